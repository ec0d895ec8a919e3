// The operator's program: options -> components -> run.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createOperator, operatorFlags, parseOperatorOptions } from '../operator/index.ts';
import { KubeClient } from '../shared/kube/index.ts';
import { setLogLevel } from '../shared/observability/index.ts';
import { usePino } from '../shared/observability/pino-sink.ts';
import { PROGRAM_VERSION, runProgram } from '../shared/process/index.ts';

usePino();

/** A directory that lies beside the bundle, or two floors up from the source. */
function besideProgram(name: string): string {
  const candidates = [`../${name}`, `../../${name}`].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return candidates.find((path) => existsSync(path)) ?? candidates[0] ?? name;
}

if (process.argv.includes('--help')) {
  process.stdout.write(`Flags:\n${operatorFlags.map(({ flag, fallback, meaning }) => `  --${flag}${fallback ? ` (${fallback})` : ''}\n      ${meaning}`).join('\n')}\n`);
} else {
  const options = parseOperatorOptions(process.argv.slice(2), process.env, { version: PROGRAM_VERSION, templatesDirectory: besideProgram('templates'), crdsDirectory: besideProgram('crds') });
  setLogLevel(options.logLevel);
  const client = KubeClient.fromDefault({ userAgent: `mizzen-operator/${PROGRAM_VERSION}` });
  await runProgram('mizzen-operator', createOperator(client, options, () => process.kill(process.pid, 'SIGTERM')));
}
