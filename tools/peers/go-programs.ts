// Peers that are Go programs: each is built, statically, from a module of its own that pins it.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoModule, GoModuleError } from '../toolchain/go-module.ts';
import { lastLine, type Peer } from './peer.ts';

const here = dirname(fileURLToPath(import.meta.url));

interface GoPeer {
  /** Folder of the module beside this file. */
  readonly module: string;
  readonly version: string;
  readonly package: string;
  /** How long the first build takes; a minute or two when absent. */
  readonly duration?: string;
}

/** fortio: load and echo, over HTTP, gRPC and TCP. */
export const FORTIO_VERSION = '1.66.5';
/** The client and the server of gRPC's interoperability cases. */
export const GRPC_INTEROP_VERSION = '1.85.0';
/** FerretDB: MongoDB's wire protocol over SQLite. Its own command wants to be built from its repository, so the program is ours around its package. */
export const FERRETDB_VERSION = '1.24.0';

/** The conformance suite of HTTP/2; later releases are not to be had as Go modules. */
export const H2SPEC_VERSION = '2.2.1';

/** Istio's control plane: a snapshot of its development near 1.30, since the release branches are not to be had as Go modules. */
export const ISTIOD_VERSION = '0.0.0-20260827124520-eed52ebb66ad';

const PROGRAMS = {
  fortio: { module: 'fortio', version: FORTIO_VERSION, package: 'fortio.org/fortio' },
  ferretdb: { module: 'ferretdb', version: FERRETDB_VERSION, package: 'mizzen/tools/peers/ferretdb' },
  h2spec: { module: 'h2spec', version: H2SPEC_VERSION, package: 'github.com/summerwind/h2spec/cmd/h2spec' },
  istiod: { module: 'istiod', version: ISTIOD_VERSION, package: 'istio.io/istio/pilot/cmd/pilot-discovery', duration: 'about ten minutes' },
  'grpc-interop-client': { module: 'grpc-interop', version: GRPC_INTEROP_VERSION, package: 'google.golang.org/grpc/interop/client' },
  'grpc-interop-server': { module: 'grpc-interop', version: GRPC_INTEROP_VERSION, package: 'google.golang.org/grpc/interop/server' },
} as const satisfies Readonly<Record<string, GoPeer>>;

/** A Go peer by name, built when it is not there yet. */
export async function provideGoProgram(name: keyof typeof PROGRAMS): Promise<Peer> {
  const { module, version, package: packageName, duration = 'a minute or two' }: GoPeer = PROGRAMS[name];
  const report = { progress: (line: string) => process.stderr.write(`${line}\n`) };
  try {
    const folder = await buildGoModule({ source: join(here, module), name: `peers/${name}`, version, programs: { [name]: ['build', '-trimpath', '-ldflags=-s -w', packageName] }, title: name, duration }, report);
    return { found: true, version, path: join(folder, name) };
  } catch (error) {
    if (error instanceof GoModuleError) return { found: false, reason: `no ${name}: ${error.missingGo ? error.message : `${packageName} ${version} could not be built: ${lastLine(error.message)}`}` };
    throw error;
  }
}
