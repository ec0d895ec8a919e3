// The command line, like that of Istio's agent: `proxy sidecar|router [flags]`, `proxy wait`, `proxy request METHOD PATH`.
import { err, ok, type Result } from '../../shared/lib/index.ts';

/** What the command line asks for. */
export type ProxyCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly role: 'sidecar' | 'router'; readonly flags: Readonly<Record<string, string>> }
  | { readonly kind: 'wait'; readonly timeoutSeconds: number; readonly periodMilliseconds: number; readonly url: string }
  | { readonly kind: 'request'; readonly method: string; readonly path: string; readonly port: number };

/** What `--help` prints. */
export const HELP_TEXT = `Mizzen's proxy: agent and data plane in one process. Settings come from the environment, as for Istio's agent.

Usage:
  proxy sidecar [flags]        run beside a workload
  proxy router [flags]         run as a gateway
  proxy wait [flags]           return when the proxy of this pod is ready
  proxy request METHOD PATH    send a request to the admin interface of this pod, for example: proxy request GET stats
  proxy version

Flags of sidecar and router:
  --domain DOMAIN              DNS domain of the workload, for example bookinfo.svc.cluster.local
  --proxyLogLevel LEVEL        debug, info, warning, error, off (default warning)
  --log_output_level SPEC      Istio's form scope:level[,scope:level]; the level of scope default counts
  --proxyComponentLogLevel S, --serviceCluster NAME, --concurrency N, --stsPort N are accepted

Flags of wait:
  --timeoutSeconds N           give up after this time (default 60)
  --periodMillis N             time between tries (default 500)
  --url URL                    what must answer 200 (default http://localhost:15021/healthz/ready)

Flags of request:
  --debug-port N               port to ask (default 15000, the admin interface; 15020 is the agent's)
`;

const KNOWN_FLAGS = new Set([
  'domain', 'proxyLogLevel', 'log_output_level', 'proxyComponentLogLevel', 'serviceCluster', 'concurrency', 'stsPort', 'meshConfig', 'templateFile', 'outlierLogPath', 'proxyEnvoyVersion',
  'tokenManagerPlugin', 'vklog', 'log_as_json', 'log_caller', 'log_stacktrace_level', 'log_target', 'profiling',
]);

/** Reads the arguments behind the program's name. A leading word `proxy` is skipped, since images name the program by it. */
export function parseArguments(argv: readonly string[]): Result<ProxyCommand, string> {
  const words = argv[0] === 'proxy' ? argv.slice(1) : argv;
  const split = splitFlags(words);
  if (!split.ok) return split;
  const { positional, flags } = split.value;
  if ('help' in flags || 'h' in flags || positional[0] === 'help') return ok({ kind: 'help' });
  switch (positional[0]) {
    case 'version': return ok({ kind: 'version' });
    case undefined:
    case 'sidecar':
    case 'router': return runCommand(positional[0] ?? 'sidecar', flags);
    case 'wait': return waitCommand(flags);
    case 'request': return requestCommand(positional, flags);
    default: return err(`Unknown command ${JSON.stringify(positional[0])}. Run with --help for the list.`);
  }
}

function splitFlags(words: readonly string[]): Result<{ positional: string[]; flags: Record<string, string> }, string> {
  const positional: string[] = [];
  const flags: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const match = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word);
    if (!match) {
      positional.push(word);
      continue;
    }
    const [, name = '', value] = match;
    const next = words[index + 1];
    if (value !== undefined) flags[name] = value;
    else if (next !== undefined && !next.startsWith('--') && name !== 'help' && name !== 'h') {
      flags[name] = next;
      index += 1;
    } else flags[name] = 'true';
  }
  return ok({ positional, flags });
}

function runCommand(role: 'sidecar' | 'router', flags: Readonly<Record<string, string>>): Result<ProxyCommand, string> {
  const unknown = Object.keys(flags).find((name) => !KNOWN_FLAGS.has(name));
  return unknown === undefined ? ok({ kind: 'run', role, flags }) : err(`Unknown flag --${unknown}. Run with --help for the list.`);
}

function waitCommand(flags: Readonly<Record<string, string>>): Result<ProxyCommand, string> {
  const timeoutSeconds = Number(flags['timeoutSeconds'] ?? 60);
  const periodMilliseconds = Number(flags['periodMillis'] ?? 500);
  if (!(timeoutSeconds > 0) || !(periodMilliseconds > 0)) return err('--timeoutSeconds and --periodMillis take positive numbers.');
  return ok({ kind: 'wait', timeoutSeconds, periodMilliseconds, url: flags['url'] ?? 'http://localhost:15021/healthz/ready' });
}

function requestCommand(positional: readonly string[], flags: Readonly<Record<string, string>>): Result<ProxyCommand, string> {
  const [, method, path] = positional;
  const port = Number(flags['debug-port'] ?? flags['port'] ?? 15000);
  if (method === undefined || path === undefined) return err('request takes a method and a path, for example: request GET stats');
  if (!Number.isInteger(port) || port < 1 || port > 65535) return err('--debug-port takes a port number.');
  return ok({ kind: 'request', method: method.toUpperCase(), path: path.startsWith('/') ? path : `/${path}`, port });
}
