// The committed answers to the contract's scenarios are what the real kube-apiserver of this ring answers now, or, when they are
// being recorded (MIZZEN_RECORD_CONTRACT), become so.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiEndpoint } from '../contract/api-endpoint.ts';
import { readGolden, writeGolden } from '../contract/goldens.ts';
import { runScenario } from '../contract/scenario.ts';
import { SCENARIOS } from '../contract/scenarios.ts';

let endpoint: ApiEndpoint;
let minor: string;

beforeAll(async () => {
  endpoint = new ApiEndpoint(readFileSync(process.env['MIZZEN_TEST_KUBECONFIG'] ?? '', 'utf8'));
  const { body } = await endpoint.call('GET', '/version');
  minor = `${body.major}.${body.minor}`;
});
afterAll(() => endpoint?.close());

describe('kube-apiserver answers as the goldens say', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const entries = JSON.parse(JSON.stringify(await runScenario(endpoint, scenario))) as unknown;
    if (process.env['MIZZEN_RECORD_CONTRACT']) writeGolden(minor, name, entries as never);
    expect(entries).toEqual(readGolden(minor, name));
  });
});
