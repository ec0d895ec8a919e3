// Compares ts-proto's static encode and decode with protobufjs' reflection on the same route configuration, in one run.
// Prints ratios; `node bench/micro/protobuf.ts` after any command that generated src/shared/xds/generated.
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { RouteConfiguration } from '../../src/shared/xds/generated/envoy/config/route/v3/route.ts';

const protos = join(import.meta.dirname, '../../.cache/xds-protos');
const root = new protobuf.Root();
// Google's own types come with protobufjs: most inside its code, the descriptor as a file.
root.resolvePath = (_origin, target) => (!target.startsWith('google/protobuf/') ? join(protos, target)
  : target.endsWith('/descriptor.proto') ? join(import.meta.dirname, '../../node_modules/protobufjs', target) : target);
await root.load('envoy/config/route/v3/route.proto');
const Reflected = root.lookupType('envoy.config.route.v3.RouteConfiguration');

const config: RouteConfiguration = {
  name: '9080',
  virtualHosts: Array.from({ length: 50 }, (_unused, index) => ({
    name: `service-${index}.default.svc.cluster.local:9080`,
    domains: [`service-${index}`, `service-${index}.default`, `service-${index}.default.svc.cluster.local`],
    routes: [{
      name: 'default',
      match: { pathSpecifier: { $case: 'prefix', prefix: '/' } },
      action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: `outbound|9080||service-${index}.default.svc.cluster.local` }, timeout: { seconds: 0, nanos: 0 } } },
    }],
  })),
};

const bytes = RouteConfiguration.encode(config).finish();
const reflectedMessage = Reflected.decode(bytes);

/** Microseconds of one call, the best of several rounds. */
function time(run: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 7; round += 1) {
    const start = performance.now();
    for (let call = 0; call < 300; call += 1) run();
    best = Math.min(best, ((performance.now() - start) * 1000) / 300);
  }
  return best;
}

const rows = [
  { what: 'encode', tsProto: time(() => RouteConfiguration.encode(config).finish()), reflection: time(() => Reflected.encode(reflectedMessage).finish()) },
  { what: 'decode', tsProto: time(() => RouteConfiguration.decode(bytes)), reflection: time(() => Reflected.decode(bytes)) },
];
process.stdout.write(`route configuration of 50 virtual hosts, ${bytes.length} bytes\n`);
for (const { what, tsProto, reflection } of rows) {
  process.stdout.write(`${what}: ts-proto ${tsProto.toFixed(0)} us, protobufjs reflection ${reflection.toFixed(0)} us, ratio ${(tsProto / reflection).toFixed(2)}\n`);
}
