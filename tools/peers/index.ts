// Real peers for tests: Envoy, fortio, gRPC's interoperability programs, h2spec, FerretDB, istiod, Zipkin and Prometheus. Run as a program it fetches all and says what is there.
import { fileURLToPath } from 'node:url';
import { providePrometheus, provideZipkin } from './backends.ts';
import { provideEnvoy } from './envoy.ts';
import { provideGoProgram } from './go-programs.ts';
import { runProgram } from '../toolchain/program.ts';

export { providePrometheus, provideZipkin, ZIPKIN_VERSION } from './backends.ts';
export { ENVOY_VERSION, provideEnvoy } from './envoy.ts';
export { FERRETDB_VERSION, FORTIO_VERSION, GRPC_INTEROP_VERSION, ISTIOD_VERSION, provideGoProgram } from './go-programs.ts';
export { lastLine, runToEnd, type Outcome, type Peer } from './peer.ts';

async function main(): Promise<number> {
  const peers = { envoy: await provideEnvoy(), fortio: await provideGoProgram('fortio'), ferretdb: await provideGoProgram('ferretdb'), h2spec: await provideGoProgram('h2spec'), 'grpc-interop-client': await provideGoProgram('grpc-interop-client'), 'grpc-interop-server': await provideGoProgram('grpc-interop-server'), istiod: await provideGoProgram('istiod'), zipkin: await provideZipkin(), prometheus: await providePrometheus() };
  for (const [name, peer] of Object.entries(peers)) process.stdout.write(peer.found ? `${name} ${peer.version}: ${peer.path}\n` : `${peer.reason}\n`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runProgram({ program: 'peers', command: 'node tools/peers/index.ts', about: 'Fetches the real peers of the tests, once, and says what is there.', options: {} }, main);
