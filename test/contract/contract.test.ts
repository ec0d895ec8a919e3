// The sandbox answers every scenario of the contract as a real kube-apiserver did (its answers are committed, see goldens.ts).
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from '../../src/sandbox/api-server/index.ts';
import { ApiEndpoint } from './api-endpoint.ts';
import { KNOWN_DIFFERENCES, withoutOwnFields } from './known-differences.ts';
import { readGolden, SANDBOX_MINOR } from './goldens.ts';
import { runScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Entry } from './transcript.ts';

let server: ApiServer;
let endpoint: ApiEndpoint;

beforeAll(async () => {
  server = new ApiServer({ address: '127.214.0.1', port: 0, serviceNetwork: { first: '127.214.128.1', last: '127.214.255.254' }, nodePortRange: { first: 30_000, last: 32_767 }, controllerManager: false });
  await server.start();
  endpoint = new ApiEndpoint(server.adminKubeconfig());
});
afterAll(async () => {
  endpoint?.close();
  await server?.close();
});

describe('the sandbox answers as kube-apiserver does', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const recorded = readGolden(SANDBOX_MINOR, name);
    expect(recorded, 'there is no answer of a real server yet; record it with npm run test:apiserver -- --record').toBeDefined();
    const golden = withoutOwnFields(recorded ?? []);
    const entries = withoutOwnFields(JSON.parse(JSON.stringify(await runScenario(endpoint, scenario))) as Entry[]);
    const known = new Set(KNOWN_DIFFERENCES[name]);
    const kept = (list: typeof golden): unknown => list.filter((_, index) => !known.has(index));
    expect(kept(entries)).toEqual(kept(golden));
    expect([...known].filter((index) => isDeepStrictEqual(entries[index], golden[index])), 'these answers agree now: take them out of known-differences.ts').toEqual([]);
  });
});
