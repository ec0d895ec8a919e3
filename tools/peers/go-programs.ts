// Peers that are Go programs: each is built, statically, from a module of its own that pins it.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, digestOf, lastLine, runToEnd, type Peer } from './peer.ts';

const here = dirname(fileURLToPath(import.meta.url));

interface GoPeer {
  /** Folder of the module beside this file. */
  readonly module: string;
  readonly version: string;
  readonly package: string;
}

/** fortio: load and echo, over HTTP, gRPC and TCP. */
export const FORTIO_VERSION = '1.66.5';
/** The client and the server of gRPC's interoperability cases. */
export const GRPC_INTEROP_VERSION = '1.85.0';

const PROGRAMS = {
  fortio: { module: 'fortio', version: FORTIO_VERSION, package: 'fortio.org/fortio' },
  'grpc-interop-client': { module: 'grpc-interop', version: GRPC_INTEROP_VERSION, package: 'google.golang.org/grpc/interop/client' },
  'grpc-interop-server': { module: 'grpc-interop', version: GRPC_INTEROP_VERSION, package: 'google.golang.org/grpc/interop/server' },
} as const satisfies Readonly<Record<string, GoPeer>>;

/** A Go peer by name, built when it is not there yet. */
export async function provideGoProgram(name: keyof typeof PROGRAMS): Promise<Peer> {
  const { module, version, package: packageName } = PROGRAMS[name];
  const cwd = join(here, module);
  const result = await cached(`${name}-${version}-${digestOf(join(cwd, 'go.mod'), join(cwd, 'go.sum'))}`, async (folder) => {
    const go = await runToEnd(['go', 'version']);
    if (go.status !== 0) return `no ${name}: there is no Go here to build it`;
    const build = await runToEnd(['go', 'build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', join(folder, name), packageName], { cwd, environment: { CGO_ENABLED: '0', GOTOOLCHAIN: 'local' } });
    return build.status === 0 ? undefined : `no ${name}: ${packageName} ${version} could not be built: ${lastLine(build.output)}`;
  });
  return 'reason' in result ? { found: false, reason: result.reason } : { found: true, version, path: join(result.folder, name) };
}
