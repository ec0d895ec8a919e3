// The Go programs of the conformance run: the suite itself and the servers that its manifests name, built from pinned modules into the cache
// outside the tree, once for each content of a module.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt } from '../toolchain/command.ts';
import { buildGoModule, GoModuleError } from '../toolchain/go-module.ts';

/** Why something cannot run on this machine, or did not work; said without a stack. */
export class ConformanceError extends Error {}

/** One Go module under tools/conformance/go and what is built of it: arguments of `go` by the binary's name. */
interface Module {
  readonly folder: string;
  readonly programs: Readonly<Record<string, readonly string[]>>;
}

const BUILD = ['build', '-trimpath', '-ldflags', '-s -w'];
const MODULES = {
  gatewayApi: { folder: 'gateway-api', programs: { 'suite.test': ['test', '-c', '.'], 'echo-basic': [...BUILD, 'sigs.k8s.io/gateway-api/conformance/echo-basic'] } },
  echoAdvanced: { folder: 'echo-advanced', programs: { client: [...BUILD, 'istio.io/istio/pkg/test/echo/cmd/client'], server: [...BUILD, 'istio.io/istio/pkg/test/echo/cmd/server'] } },
  coredns: { folder: 'coredns', programs: { coredns: [...BUILD, '.'] } },
} as const satisfies Readonly<Record<string, Module>>;

/** Files of the programs, and the folder of the Gateway API's definitions. */
export interface ConformancePrograms {
  readonly suite: string;
  readonly echoBasic: string;
  readonly echoClient: string;
  readonly echoServer: string;
  readonly coredns: string;
  /** `config/crd` of the pinned release. */
  readonly definitions: string;
}

/** Builds what the cache has not. */
export async function conformancePrograms(progress: (line: string) => void): Promise<ConformancePrograms> {
  if ((await attempt(['go', 'version'])).status !== 0) throw new ConformanceError('Go 1.26 or newer is needed to build the conformance suite');
  const gatewayApi = await buildModule(MODULES.gatewayApi, progress);
  const echoAdvanced = await buildModule(MODULES.echoAdvanced, progress);
  const coredns = await buildModule(MODULES.coredns, progress);
  const listed = await attempt(['go', 'list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/gateway-api'], { directory: sourceOf(MODULES.gatewayApi) });
  const folder = listed.stdout.trim();
  if (listed.status !== 0 || folder === '') throw new ConformanceError(`the definitions of the Gateway API could not be had: ${listed.stderr.trim()}`);
  return {
    suite: join(gatewayApi, 'suite.test'), echoBasic: join(gatewayApi, 'echo-basic'), echoClient: join(echoAdvanced, 'client'), echoServer: join(echoAdvanced, 'server'), coredns: join(coredns, 'coredns'),
    definitions: join(folder, 'config/crd'),
  };
}

function sourceOf({ folder }: Module): string {
  return fileURLToPath(new URL(`go/${folder}/`, import.meta.url));
}

async function buildModule(module: Module, progress: (line: string) => void): Promise<string> {
  const { folder, programs } = module;
  try {
    return await buildGoModule({ source: sourceOf(module), name: `conformance-${folder}`, programs, title: `${Object.keys(programs).join(', ')} of ${folder}`, duration: 'a minute or two' }, { progress });
  } catch (error) {
    throw error instanceof GoModuleError ? new ConformanceError(error.message, { cause: error }) : error;
  }
}
