// Pickers: Envoy's published vectors for consistent hashing, and the exact schedules of the rest.
import { describe, expect, it } from 'vitest';
import type { EndpointConfig, LoadBalancingConfig } from '../../config/runtime-config.ts';
import { murmurHash64 } from '../../stream/murmur-hash.ts';
import { xxHash64 } from '../../stream/xx-hash.ts';
import { Host } from '../host.ts';
import { boundedLoadPicker } from './bounded-load.ts';
import { leastRequestPicker } from './least-request.ts';
import { buildMaglevTable, maglevPicker } from './maglev.ts';
import { MersenneTwister } from './mersenne-twister.ts';
import { buildRing, ringHashPicker } from './ring-hash.ts';
import { roundRobinPicker } from './round-robin.ts';
import type { Picker } from './picker.ts';
import type { WeightedHosts } from './weighted-hosts.ts';

const POLICY: LoadBalancingConfig = {
  policy: 'round_robin', ringMinimumSize: 12, ringMaximumSize: 8_388_608, ringHashFunction: 'xx_hash', hashByHostname: false, hashBalancePercent: 0, leastRequestChoices: 2, activeRequestBias: 1,
  maglevTableSize: 7, slowStart: null, localityWeighted: false, failTrafficOnPanic: false, subsets: null, overrideStatuses: ['healthy', 'degraded'],
};

function host(port: number, weight = 1, over: Partial<EndpointConfig> = {}): Host {
  const endpoint: EndpointConfig = { address: { kind: 'socket', address: '127.0.0.1', port }, hostname: String(port), weight, health: 'healthy', transportSocketMatch: {}, workload: '', labels: {}, ...over };
  return new Host(endpoint, endpoint.address, 0);
}

function evenly(hosts: readonly Host[]): WeightedHosts {
  const total = hosts.reduce((sum, one) => sum + one.weight, 0);
  return hosts.map((one) => ({ host: one, weight: one.weight / total }));
}

const HOSTS = [90, 91, 92, 93, 94, 95].map((port) => host(port));
const port = (one: Host | null | undefined): string => one?.addressText.slice(-2) ?? 'none';
const turns = (pick: Picker, count: number): string => Array.from({ length: count }, () => pick()?.addressText.slice(10)).join(' ');
const options = (policy: Partial<LoadBalancingConfig> = {}, now = 1e9, random = 0) => ({ policy: { ...POLICY, ...policy }, random: () => random, now: () => now });

describe('consistent hashing', () => {
  it('hashes as xxHash64 and MurmurHash64A do', () => {
    expect(xxHash64('')).toBe(0xef46db3751d8e999n);
    expect(xxHash64('a')).toBe(0xd24ec4f1a98c6e5bn);
    expect(xxHash64('foobar')).toBe(11721187498075204345n);
    expect(murmurHash64('127.0.0.1:85_0')).not.toBe(xxHash64('127.0.0.1:85_0'));
  });

  it('builds Envoy\'s ring', () => {
    const ring = buildRing(evenly(HOSTS), POLICY);
    expect(ring.length).toBe(12);
    expect(ring.slice(0, 4).map(({ hash, host: one }) => `${one.addressText}=${hash}`)).toEqual([
      '127.0.0.1:94=833437586790550860', '127.0.0.1:92=928266305478181108', '127.0.0.1:90=1033482794131418490', '127.0.0.1:95=3551244743356806947',
    ]);
    const pick = ringHashPicker(evenly(HOSTS), POLICY);
    expect([pick(0n, 0), pick(833437586790550861n, 0), pick(0n, 1), pick(0xffffffffffffffffn, 0)].map(port)).toEqual(['94', '92', '92', '94']);
  });

  it('builds Envoy\'s ring with murmur hashes', () => {
    const ring = buildRing(evenly([80, 81, 82, 83, 84, 85].map((number) => host(number))), { ...POLICY, ringHashFunction: 'murmur_hash_2' });
    const first = (number: number): bigint | undefined => ring.find(({ host: one }) => one.addressText.endsWith(`:${number}`))?.hash;
    expect([ring[0]?.hash, first(83), first(84)]).toEqual([1358027074129602068n, 4361834613929391114n, 7224494972555149682n]);
    expect(port(ring[0]?.host)).toBe('85');
  });

  it('gives a host more of the ring for more weight, within its bounds', () => {
    const ring = buildRing(evenly([host(90, 1), host(91, 2)]), { ...POLICY, ringMinimumSize: 3 });
    expect(ring.map(({ host: one }) => port(one)).sort()).toEqual(['90', '91', '91']);
    expect(buildRing(evenly([host(90, 1), host(91, 2)]), { ...POLICY, ringMinimumSize: 1, ringMaximumSize: 6 }).length).toBeLessThanOrEqual(6);
  });

  it('fills Envoy\'s Maglev table, by address and by host name', () => {
    expect(buildMaglevTable(evenly(HOSTS), POLICY).map(port)).toEqual(['92', '94', '90', '91', '95', '90', '93']);
    expect(buildMaglevTable(evenly(HOSTS), { ...POLICY, hashByHostname: true }).map(port)).toEqual(['92', '95', '90', '93', '94', '91', '90']);
    const pick = maglevPicker(evenly(HOSTS), POLICY);
    expect([0n, 1n, 6n, 7n].map((hash) => port(pick(hash, 0)))).toEqual(['92', '94', '93', '92']);
    // Another draw takes another place.
    expect(port(pick(0n, 1))).toBe(port(buildMaglevTable(evenly(HOSTS), POLICY)[Number(0xffffffffffffffffn % 7n)]));
  });

  it('hashes the key that the metadata give', () => {
    const keyed = [90, 91, 92, 93, 94, 95].map((number) => host(number + 100, 1, { labels: { hash_key: `127.0.0.1:${number}` } }));
    expect(buildMaglevTable(evenly(keyed), POLICY).map((one) => one.addressText.slice(-3))).toEqual(['192', '194', '190', '191', '195', '190', '193']);
  });

  it('draws as the Mersenne Twister does', () => {
    const twister = new MersenneTwister(5489);
    expect([twister.next(), twister.next()]).toEqual([3499211612, 581869302]);
    for (let count = 3; count < 10_000; count += 1) twister.next();
    expect(twister.next()).toBe(4123659995);
  });

  it('passes over a host with more than its bounded share, always to the same one', () => {
    const hosts = [90, 91, 92, 93].map((number) => host(number));
    const first = hosts[0] as Host;
    const active = (): number => hosts.reduce((sum, one) => sum + one.activeRequests, 0);
    const pick = boundedLoadPicker(() => first, evenly(hosts), 100, active);
    expect(pick(7n, 0)).toBe(first);
    first.activeRequests = 4;
    const other = pick(7n, 0);
    expect(other).not.toBe(first);
    expect([pick(7n, 0), pick(7n, 0)]).toEqual([other, other]);
    expect(new Set([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n].map((hash) => port(pick(hash, 0)))).size).toBe(3);
    // With all of them over their share the one that is least so.
    hosts.forEach((one, index) => {
      one.activeRequests = 100 + index;
    });
    expect(boundedLoadPicker(() => first, evenly(hosts), 100, () => 0)(7n, 0)).toBe(first);
  });
});

describe('round robin', () => {
  it('takes turns from a start of its own', () => {
    expect(turns(roundRobinPicker(HOSTS, options()), 7)).toBe('90 91 92 93 94 95 90');
    expect(turns(roundRobinPicker(HOSTS, options({}, 0, 0.5)), 4)).toBe('93 94 95 90');
  });

  it('spreads by weight, earliest deadline first', () => {
    expect(turns(roundRobinPicker([host(1, 4), host(2, 1)], options()), 10)).toBe('1 1 1 2 1 1 1 1 2 1');
  });

  it('gives a host that warms up less, and more with time', () => {
    const warm = host(1);
    const cold = host(2);
    cold.usableSinceMilliseconds = 1e9;
    const share = (age: number, slowStart: Partial<NonNullable<LoadBalancingConfig['slowStart']>> = {}): number => {
      const pick = roundRobinPicker([warm, cold], options({ slowStart: { windowMilliseconds: 10_000, aggression: 1, minimumPercent: 10, ...slowStart } }, 1e9 + age));
      return Array.from({ length: 1100 }, () => pick()).filter((one) => one === cold).length;
    };
    expect(share(0)).toBeCloseTo(100, -1);
    expect(share(5000)).toBeCloseTo(1100 / 3, -1);
    expect(share(2500, { aggression: 2 })).toBeCloseTo(1100 / 3, -1);
    expect(share(0, { minimumPercent: 50 })).toBeCloseTo(1100 / 3, -1);
    expect(share(10_000)).toBe(550);
  });
});

describe('least request', () => {
  it('takes the less busy of its draws', () => {
    const [idle, busy] = [host(1), host(2)];
    busy.activeRequests = 3;
    let draw = 0;
    const pick = leastRequestPicker([idle, busy], { ...options({ leastRequestChoices: 4 }), random: () => [0.9, 0.9, 0.1, 0.9][draw++ % 4] ?? 0 });
    expect(turns(pick, 5)).toBe('1 1 1 1 1');
  });

  it('weighs requests under way where weights differ, as strongly as the bias says', () => {
    const share = (activeRequestBias: number): number => {
      const [light, heavy] = [host(1, 1), host(2, 4)];
      heavy.activeRequests = 3;
      const pick = leastRequestPicker([light, heavy], options({ activeRequestBias }));
      // The first picks still carry weights of the time when they were put in.
      return Array.from({ length: 1000 }, () => pick()).filter((one) => one === heavy).length;
    };
    expect(share(1)).toBe(500);
    expect(share(0)).toBe(800);
    expect(share(0.5)).toBeCloseTo(667, -1);
  });
});
