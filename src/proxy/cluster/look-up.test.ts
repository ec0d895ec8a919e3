// Which of a name's addresses a cluster uses.
import dns from 'node:dns';
import { describe, expect, it, vi } from 'vitest';
import { cluster, endpoint } from '../listener/testdata/config-builder.ts';
import { backoffPause } from './failure-pause.ts';
import { wanted } from './look-up.ts';
import { NameResolution } from './name-resolution.ts';

const both = ['192.0.2.1', '2001:db8::1', '192.0.2.2'];

it.each([
  ['ipv4', ['192.0.2.1', '192.0.2.2'], []], ['ipv6', ['2001:db8::1'], ['2001:db8::1']], ['ipv4_else_ipv6', ['192.0.2.1', '192.0.2.2'], ['2001:db8::1']],
  ['ipv6_else_ipv4', ['2001:db8::1'], ['2001:db8::1']], ['all', both, ['2001:db8::1']],
] as const)('%s takes its own of both families, and of IPv6 alone', (families, ofBoth, ofSix) => {
  expect(wanted(both, families)).toEqual(ofBoth);
  expect(wanted(['2001:db8::1'], families)).toEqual(ofSix);
});

describe('backoffPause', () => {
  it('doubles from its base to its end, and draws from the whole', () => {
    const rate = { baseMilliseconds: 1000, maximumMilliseconds: 10_000 };
    expect([1, 2, 3, 4, 5, 40].map((failures) => backoffPause(rate, failures, 1))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(backoffPause(rate, 4, 0.25)).toBe(2000);
  });
});

describe('a cluster of names', () => {
  it('asks again when the records expire, and otherwise after its own time', async () => {
    const asked: number[] = [];
    const answer = (ttl: number): void => {
      vi.spyOn(dns.Resolver.prototype, 'resolve4').mockImplementation(((_name: string, _options: object, done: (error: null, records: object[]) => void) => done(null, [{ address: '127.0.0.1', ttl }])) as never);
      vi.spyOn(dns.Resolver.prototype, 'resolve6').mockImplementation(((_name: string, _options: object, done: (error: Error) => void) => done(new Error('none'))) as never);
    };
    const follow = async (respectDnsTtl: boolean, ttl: number): Promise<number> => {
      answer(ttl);
      asked.length = 0;
      const config = { ...cluster('a', [endpoint('localhost', 80)]), respectDnsTtl, dnsRefreshMilliseconds: 60_000, discovery: 'strict_dns' as const };
      const names = new NameResolution(config, { onEndpoints: () => undefined, count: (what) => (what === 'update_attempt' ? asked.push(1) : 0), random: () => 0.5 });
      names.start();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      names.close();
      vi.restoreAllMocks();
      return asked.length;
    };
    expect(await Promise.all([follow(true, 1)])).toEqual([2]);
    expect(await follow(false, 1)).toBe(1);
    expect(await follow(true, 0)).toBe(1);
  });
});
