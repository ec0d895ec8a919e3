// Prints where the sandbox answers otherwise than the recorded kube-apiserver: `node test/contract/list-differences.ts [scenario ...]`.
// With --numbers it prints the rows for known-differences.ts instead.
import { isDeepStrictEqual } from 'node:util';
import { ApiServer } from '../../src/sandbox/api-server/index.ts';
import { ApiEndpoint } from './api-endpoint.ts';
import { readGolden, SANDBOX_MINOR } from './goldens.ts';
import { withoutOwnFields } from './known-differences.ts';
import { runScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Entry } from './transcript.ts';

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const numbersOnly = process.argv.includes('--numbers');
const server = new ApiServer({ address: '127.216.0.1', port: 0, serviceNetwork: { first: '127.214.128.1', last: '127.214.255.254' }, nodePortRange: { first: 30_000, last: 32_767 }, controllerManager: false });
await server.start();
const endpoint = new ApiEndpoint(server.adminKubeconfig());

/** The places at which two JSON values differ, one line each. */
function compare(path: string, real: unknown, ours: unknown): string[] {
  if (isDeepStrictEqual(real, ours)) return [];
  const both = [real, ours].every((value) => typeof value === 'object' && value !== null) && Array.isArray(real) === Array.isArray(ours);
  if (!both) return [`    ${path}\n      real    ${JSON.stringify(real)}\n      sandbox ${JSON.stringify(ours)}`];
  const [left, right] = [real, ours] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) => compare(`${path}.${key}`, left[key], right[key]));
}

for (const scenario of SCENARIOS) {
  if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
  const golden = withoutOwnFields(readGolden(SANDBOX_MINOR, scenario.name) ?? []);
  const entries = withoutOwnFields(JSON.parse(JSON.stringify(await runScenario(endpoint, scenario))) as Entry[]);
  const differing = golden.map((_, index) => index).filter((index) => !isDeepStrictEqual(golden[index], entries[index]));
  if (numbersOnly) {
    if (differing.length > 0) process.stdout.write(`  '${scenario.name}': [${differing.join(', ')}],\n`);
    continue;
  }
  process.stdout.write(`${scenario.name}: ${String(differing.length)} of ${String(golden.length)} answers differ\n`);
  for (const index of differing) process.stdout.write(`  ${String(index)} ${golden[index]?.request ?? ''}\n${compare('', golden[index], entries[index]).join('\n')}\n`);
}
endpoint.close();
await server.close();
