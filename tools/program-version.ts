// Which version the programs of a build say they are: MIZZEN_BUILD_VERSION, as the Dockerfile's VERSION, else the package's own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version without a leading `v`; throws when the one asked for is none. */
export function buildVersion(root: string, environment: Readonly<Record<string, string | undefined>>): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const asked = (environment['MIZZEN_BUILD_VERSION'] || version).replace(/^v/, '');
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(asked)) throw new Error(`MIZZEN_BUILD_VERSION is '${asked}', which is no version such as 3.1.0`);
  return asked;
}

/** What esbuild puts in place of the constant of src/shared/process/program-version.ts. */
export function versionDefine(version: string): Record<string, string> {
  return { __MIZZEN_VERSION__: JSON.stringify(version) };
}
