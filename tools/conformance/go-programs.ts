// The Go programs of the conformance run: the suite itself and the servers that its manifests name, built from pinned modules into the cache
// outside the tree, once for each content of a module.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt } from '../cluster/command.ts';
import { exclusively } from '../cluster/exclusive.ts';
import { cacheFolder } from '../cluster/go-build.ts';

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
  /** Release of the suite, `v1.6.3`. */
  readonly release: string;
}

/** Builds what the cache has not. */
export async function conformancePrograms(progress: (line: string) => void): Promise<ConformancePrograms> {
  if ((await attempt(['go', 'version'])).status !== 0) throw new ConformanceError('Go 1.26 or newer is needed to build the conformance suite');
  const gatewayApi = await buildModule(MODULES.gatewayApi, progress);
  const echoAdvanced = await buildModule(MODULES.echoAdvanced, progress);
  const coredns = await buildModule(MODULES.coredns, progress);
  const listed = await attempt(['go', 'list', '-m', '-f', '{{.Dir}} {{.Version}}', 'sigs.k8s.io/gateway-api'], { directory: sourceOf(MODULES.gatewayApi) });
  const [folder = '', release = ''] = listed.stdout.trim().split(' ');
  if (listed.status !== 0 || folder === '') throw new ConformanceError(`the definitions of the Gateway API could not be had: ${listed.stderr.trim()}`);
  return {
    suite: join(gatewayApi, 'suite.test'), echoBasic: join(gatewayApi, 'echo-basic'), echoClient: join(echoAdvanced, 'client'), echoServer: join(echoAdvanced, 'server'), coredns: join(coredns, 'coredns'),
    definitions: join(folder, 'config/crd'), release,
  };
}

function sourceOf({ folder }: Module): string {
  return fileURLToPath(new URL(`go/${folder}/`, import.meta.url));
}

async function buildModule(module: Module, progress: (line: string) => void): Promise<string> {
  const source = sourceOf(module);
  const hash = createHash('sha256').update(JSON.stringify([module.programs, process.arch]));
  for (const name of readdirSync(source).sort()) hash.update(`\n${name}\n`).update(readFileSync(join(source, name)));
  const folder = join(cacheFolder(), `conformance-${module.folder}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  return exclusively(`${folder}.lock`, async () => {
    if (!existsSync(folder)) await build(module, source, folder, progress);
    return folder;
  }, () => progress(`waiting for another process that builds ${module.folder} ...`));
}

async function build(module: Module, source: string, folder: string, progress: (line: string) => void): Promise<void> {
  progress(`building ${Object.keys(module.programs).join(', ')} of ${module.folder} from Go modules, a minute or two the first time ...`);
  const unfinished = `${folder}.${process.pid}.new`;
  try {
    mkdirSync(unfinished, { recursive: true });
    for (const [name, [verb = '', ...rest]] of Object.entries(module.programs)) {
      const result = await attempt(['go', verb, '-o', join(unfinished, name), ...rest], { directory: source, env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' } });
      if (result.status !== 0) throw new ConformanceError(`${name} could not be built; \`cd ${source} && go ${verb} ${rest.join(' ')}\` repeats it:\n${result.stderr.trim().slice(-3000)}`);
    }
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
