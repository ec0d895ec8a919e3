// The proxy's program: agent and data plane in one process. Arguments like those of Istio's agent; see --help.
import { readFileSync } from 'node:fs';
import { createProxy, HELP_TEXT, parseArguments, requestLocal, waitUntilReady, type ProxyCommand } from '../proxy/index.ts';
import { isLogLevel, setLogLevel } from '../shared/observability/index.ts';
import { PROGRAM_VERSION, runProgram } from '../shared/process/index.ts';
import { describeError } from '../shared/lib/index.ts';

async function main(): Promise<void> {
  const command = parseArguments(process.argv.slice(2));
  if (!command.ok) fail(command.error);
  else await execute(command.value);
}

async function execute(command: ProxyCommand): Promise<void> {
  switch (command.kind) {
    case 'help':
      process.stdout.write(HELP_TEXT);
      return;
    case 'version':
      process.stdout.write(`mizzen-proxy ${PROGRAM_VERSION}\n`);
      return;
    case 'wait':
      if (!(await waitUntilReady(command.url, command.timeoutSeconds * 1000, command.periodMilliseconds))) fail(`The proxy was not ready within ${command.timeoutSeconds} s.`);
      return;
    case 'request': return request(command.method, command.port, command.path);
    case 'run': return run(command);
  }
}

async function request(method: string, port: number, path: string): Promise<void> {
  try {
    const { status, body } = await requestLocal(method, port, path);
    process.stdout.write(body);
    if (status >= 400) fail(`${method} ${path} was answered with ${status}.`);
  } catch (error) {
    fail(`${method} ${path} on port ${port} failed: ${describeError(error)}`);
  }
}

async function run({ role, flags }: ProxyCommand & { readonly kind: 'run' }): Promise<void> {
  const proxy = createProxy({ role, flags, environment: { ...process.env, MIZZEN_VERSION: PROGRAM_VERSION }, readFile });
  if (!proxy.ok) {
    fail(proxy.error.join('\n'));
    return;
  }
  const { component, options } = proxy.value;
  if (isLogLevel(options.logLevel)) setLogLevel(options.logLevel);
  await runProgram('mizzen-proxy', [component]);
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (_absent) {
    return undefined;
  }
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

await main();
