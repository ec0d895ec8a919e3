// Pickers: Envoy's published vectors for consistent hashing, and fairness of the rest.
import { describe, expect, it } from 'vitest';
import type { EndpointConfig } from '../../config/runtime-config.ts';
import { xxHash64 } from '../../stream/xx-hash.ts';
import { Host } from '../host.ts';
import { distributeLoad } from '../priority-set.ts';
import { buildMaglevTable } from './maglev.ts';
import { buildRing, ringHashPicker } from './ring-hash.ts';
import { roundRobinPicker } from './round-robin.ts';

function host(port: number, weight = 1): Host {
  const endpoint: EndpointConfig = { address: { kind: 'socket', address: '127.0.0.1', port }, hostname: '', weight, health: 'healthy', transportSocketMatch: {}, workload: '', labels: {} };
  return new Host(endpoint, endpoint.address, 0);
}

const HOSTS = [90, 91, 92, 93, 94, 95].map((port) => host(port));

describe('consistent hashing', () => {
  it('hashes as xxHash64 does', () => {
    expect(xxHash64('')).toBe(0xef46db3751d8e999n);
    expect(xxHash64('a')).toBe(0xd24ec4f1a98c6e5bn);
    expect(xxHash64('foobar')).toBe(11721187498075204345n);
  });

  it('builds Envoy\'s ring', () => {
    const ring = buildRing(HOSTS, 12, 8_388_608);
    expect(ring.length).toBe(12);
    expect(ring.slice(0, 4).map(({ hash, host: one }) => `${one.addressText}=${hash}`)).toEqual([
      '127.0.0.1:94=833437586790550860', '127.0.0.1:92=928266305478181108', '127.0.0.1:90=1033482794131418490', '127.0.0.1:95=3551244743356806947',
    ]);
    const pick = ringHashPicker(HOSTS, 12, 8_388_608, Math.random);
    expect(pick(0n, 0)?.addressText).toBe('127.0.0.1:94');
    expect(pick(833437586790550861n, 0)?.addressText).toBe('127.0.0.1:92');
    expect(pick(0n, 1)?.addressText).toBe('127.0.0.1:92');
    expect(pick(0xffffffffffffffffn, 0)?.addressText).toBe('127.0.0.1:94');
  });

  it('fills Envoy\'s Maglev table', () => {
    expect(buildMaglevTable(HOSTS, 7).map((one) => one.addressText.slice(-2))).toEqual(['92', '94', '90', '91', '95', '90', '93']);
  });
});

describe('round robin', () => {
  it('takes turns, by weight when weights differ', () => {
    const even = roundRobinPicker(HOSTS, () => 0);
    expect(Array.from({ length: 7 }, () => even(null, 0)?.addressText.slice(-2))).toEqual(['90', '91', '92', '93', '94', '95', '90']);
    const weighted = roundRobinPicker([host(1, 3), host(2, 1)], () => 0);
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 400; turn += 1) {
      const name = weighted(null, 0)?.addressText ?? '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.get('127.0.0.1:1')).toBe(300);
  });
});

describe('priorities', () => {
  it('spill over by health', () => {
    expect(distributeLoad([100, 100])).toEqual([100, 0]);
    expect(distributeLoad([70, 100])).toEqual([70, 30]);
    expect(distributeLoad([0, 100])).toEqual([0, 100]);
    expect(distributeLoad([25, 25])).toEqual([50, 50]);
    expect(distributeLoad([0, 0])).toEqual([100, 0]);
  });
});
