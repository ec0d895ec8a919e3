// What a GatewayClass says of our features is what the conformance run claims, no more and no less.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { SUPPORTED_FEATURES } from '../../src/mesh/gateway-api/features.ts';

/** Features that the profiles of the run bring with them. */
const CORE = ['Gateway', 'GRPCRoute', 'HTTPRoute', 'Mesh', 'ReferenceGrant', 'TCPRoute', 'TLSRoute'];

it('the features of the Gateway API are those that are tested', () => {
  const { features, unclaimed } = parse(readFileSync(new URL('../conformance/gateway-api/expectations.yaml', import.meta.url), 'utf8')) as { features: string[]; unclaimed?: Record<string, string> };
  expect([...SUPPORTED_FEATURES].sort()).toEqual([...CORE, ...features].sort());
  expect(Object.keys(unclaimed ?? {}).filter((name) => SUPPORTED_FEATURES.includes(name))).toEqual([]);
});
