// What is in an image, as a CycloneDX 1.6 document that scanners read, and the license texts of what was bundled.
// https://cyclonedx.org/docs/1.6/json/
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnpackedPackage } from './debian-packages.ts';
import { lockedPackage } from './npm-packages.ts';

/** An npm package that is part of a program. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Its folder, from the project's. */
  readonly folder: string;
}

/** What a bill lists. */
export interface BillContents {
  readonly image: string;
  readonly version: string;
  readonly architecture: string;
  readonly bundled: readonly BundledPackage[];
  readonly debian: readonly UnpackedPackage[];
  readonly debianRelease: string;
  /** Version of Node, when the image has it. */
  readonly node: string | undefined;
}

interface Component {
  readonly type: 'library' | 'application' | 'operating-system';
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses: readonly object[];
}

/** The npm packages that source files belong to, each once, sorted. */
export function bundledPackages(root: string, sources: readonly string[], native: readonly string[]): BundledPackage[] {
  const folders = sources.flatMap((source) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []);
  return [...new Set([...folders, ...native.map((name) => `node_modules/${name}`)])].sort().map((folder) => {
    const path = folder.replace(/^node_modules\//, '');
    const { version, license } = lockedPackage(root, path);
    return { name: path.replace(/^.*node_modules\//, ''), version, license: license ?? 'NOASSERTION', folder };
  });
}

/** The bill as text. The same contents give the same text: it has no time and a serial number of its contents. */
export function softwareBill(contents: BillContents): string {
  const { image, version, architecture, bundled, debian, debianRelease, node } = contents;
  const components: Component[] = [
    ...(node === undefined ? [] : [{ type: 'application' as const, name: 'node', version: node, purl: `pkg:generic/node@${node}`, licenses: [{ license: { id: 'MIT' } }] }]),
    ...bundled.map((npm) => ({ type: 'library' as const, name: npm.name, version: npm.version, purl: `pkg:npm/${npm.name.replace('@', '%40')}@${npm.version}`, licenses: [npmLicense(npm.license)] })),
    ...debian.map((deb) => ({
      type: 'library' as const, name: deb.name, version: deb.version,
      purl: `pkg:deb/debian/${encodeURIComponent(deb.name)}@${encodeURIComponent(deb.version)}?arch=${/^Architecture: (.*)$/m.exec(deb.control)?.[1] ?? architecture}&distro=${debianRelease}`,
      licenses: debianLicenses(deb).map((name) => ({ license: { name } })),
    })),
  ];
  const subject = { type: 'container', 'bom-ref': 'image', name: image, version, licenses: [{ license: { id: 'Apache-2.0' } }] };
  const listed = components.map((component) => ({ 'bom-ref': component.purl, ...component }));
  const digest = createHash('sha256').update(JSON.stringify([subject, architecture, listed])).digest('hex');
  const serial = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-');
  const bill = {
    bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber: `urn:uuid:${serial}`, version: 1,
    metadata: { component: subject, properties: [{ name: 'mizzen:architecture', value: architecture }] },
    components: listed,
    dependencies: [{ ref: 'image', dependsOn: listed.map((component) => component['bom-ref']) }],
  };
  return `${JSON.stringify(bill, null, 1)}\n`;
}

/** The license texts of bundled packages, as their licenses ask to pass on. */
export function licenseTexts(root: string, bundled: readonly BundledPackage[]): string {
  return bundled.map(({ name, version, license, folder }) => {
    const path = join(root, folder);
    const files = existsSync(path) ? readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort() : [];
    const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
    return `${name} ${version} (${license})\n${'='.repeat(72)}\n${texts.join('\n\n') || `The package has no license file; it names the license ${license}.`}\n`;
  }).join('\n\n');
}

function npmLicense(license: string): object {
  return /[( ]/.test(license) ? { expression: license } : { license: license === 'NOASSERTION' ? { name: license } : { id: license } };
}

/** The names that a machine-readable copyright file gives to its licenses. https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ */
function debianLicenses({ files, name }: UnpackedPackage): string[] {
  const entry = files.find(({ path, type }) => type === 'file' && path === `usr/share/doc/${name}/copyright`);
  const text = entry?.type === 'file' ? entry.content.toString() : '';
  const names = [...text.matchAll(/^License: *(\S.*)$/gm)].map(([, license = '']) => license.trim());
  // Older files are prose, and a package may point to the file of another.
  return names.length > 0 ? [...new Set(names)].sort() : [`see /usr/share/doc/${name}/copyright`];
}
