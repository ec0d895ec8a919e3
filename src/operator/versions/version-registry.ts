// The versions that this operator knows: installable ones with their template directories, and old ones that only parse.
import { parse } from 'yaml';
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import { versionDescriptorSchema, versionsFileSchema, type VersionDirectory, type VersionEntry } from './descriptor.ts';
import { withRelatedImages, type RelatedImages } from './related-images.ts';

/** Looks versions up. */
export class VersionRegistry {
  readonly entries: readonly VersionEntry[];
  readonly #directories: ReadonlyMap<string, VersionDirectory>;

  constructor(entries: readonly VersionEntry[], directories: ReadonlyMap<string, VersionDirectory>) {
    this.entries = entries;
    this.#directories = directories;
  }

  /** Name of the version that a control plane gets when it names none. */
  get defaultVersion(): string {
    return (this.entries.find((entry) => entry.status === 'current') ?? this.entries[0])?.name ?? '';
  }

  /** Names of the versions that can be installed, newest first. */
  get installable(): readonly string[] {
    return this.entries.filter((entry) => entry.status !== 'eol').map((entry) => entry.name);
  }

  find(name: string): VersionEntry | undefined {
    return this.entries.find((entry) => entry.name === name);
  }

  /** The templates of an installable version; an issue says why there are none. */
  directory(name: string): Result<VersionDirectory, Issue[]> {
    const entry = this.find(name);
    if (!entry) return err([errorIssue('MESH_OP_VERSION_UNKNOWN', 'spec.version', `invalid Version specified; supported versions are: ${this.installable.join(', ')}`)]);
    const directory = this.#directories.get(name);
    if (entry.status === 'eol' || !directory) {
      return err([errorIssue('MESH_OP_VERSION_NOT_INSTALLABLE', 'spec.version', `version ${name} has reached its end of life and is not installed; ${this.#wayOut(name)}`)]);
    }
    return ok(directory);
  }

  /** What to do with a mesh of a version that is not installed any more: only edits that will be allowed are named. */
  #wayOut(name: string): string {
    const adopting = this.entries.find((entry) => entry.status !== 'eol' && entry.upgradeFrom.includes(name));
    if (adopting) return `set spec.version: ${adopting.name} to adopt this mesh`;
    const bridge = this.entries.filter((entry) => entry.status !== 'eol').flatMap(({ name: target, upgradeFrom }) => upgradeFrom.filter((from) => this.find(from)?.status === 'eol').map((from) => ({ target, from })));
    const [first] = bridge;
    return first ? `upgrade it with the operator that installed it to ${bridge.map(({ from }) => from).join(', ')} first, then set spec.version: ${first.target}` : 'install a new mesh';
  }
}

/** Builds the registry from the files of templates/: every text by its path. Throws on a malformed file, which is a defect of the image. */
export function parseVersionRegistry(files: ReadonlyMap<string, string>, related: RelatedImages = new Map()): VersionRegistry {
  const { versions } = versionsFileSchema.parse(parse(files.get('versions.yaml') ?? ''));
  const directories = new Map<string, VersionDirectory>();
  for (const { name, status } of versions) {
    if (status === 'eol') continue;
    const own = new Map([...files].filter(([path]) => path.startsWith(`${name}/`)).map(([path, text]) => [path.slice(name.length + 1), text]));
    directories.set(name, withRelatedImages({ descriptor: versionDescriptorSchema.parse(parse(own.get('version.yaml') ?? '')), files: own }, related));
  }
  return new VersionRegistry(versions, directories);
}

/** Text whose SHA-256 is a directory's digest: each file's path, length and content, in order of path. */
export function digestText(files: ReadonlyMap<string, string>): string {
  return [...files].sort(([left], [right]) => (left < right ? -1 : 1)).map(([path, text]) => `${path}\n${text.length}\n${text}`).join('\n');
}
