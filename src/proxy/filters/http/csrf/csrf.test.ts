// The CSRF filter through the data plane.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csrf } from '../../../config/small-filters.ts';
import { Harness } from '../../../listener/testdata/harness.ts';
import { compiled, refused, startWithFilter } from '../../testdata/one-filter.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.7.4');
});
afterEach(() => harness.close());

const ALWAYS = { defaultValue: { numerator: 100 } };
const policy = (message: Parameters<typeof csrf>[0]) => compiled((findings) => csrf(message, '', findings));

describe('the CSRF filter', () => {
  it('lets pass what comes from the host asked for or a friend, and what changes nothing', async () => {
    const { port, stats } = await startWithFilter(harness, { name: 'csrf', ...policy({ filterEnabled: ALWAYS, additionalOrigins: [{ matchPattern: { $case: 'exact', exact: 'friend.example' } }] }) });
    const status = async (headers: Record<string, string>, method = 'POST'): Promise<number> => (await harness.ask(port, '/', { method, headers: { host: 'shop.example', ...headers } })).status;
    expect([await status({ origin: 'https://shop.example' }), await status({ origin: 'https://friend.example' }), await status({ referer: 'https://shop.example/page' }), await status({ origin: 'https://evil.example' }, 'GET')]).toEqual([200, 200, 200, 200]);
    expect([await status({ origin: 'https://evil.example' }), await status({}), await status({ origin: 'null' }), await status({ referer: 'https://evil.example/shop.example' })]).toEqual([403, 403, 403, 403]);
    expect(['request_valid', 'request_invalid', 'missing_source_origin'].map((what) => stats.counter(`http.test.csrf.${what}`).value)).toEqual([3, 3, 1]);
  });

  it('only counts in the shadow, and is off where a route says so', async () => {
    const evil = { method: 'POST', headers: { origin: 'https://evil.example' } };
    const { port, stats } = await startWithFilter(harness, { name: 'csrf', ...policy({ filterEnabled: ALWAYS }) }, (to) => [to({ prefix: '/shadow', perFilter: { csrf: policy({ filterEnabled: {}, shadowEnabled: ALWAYS }) } }), to({ prefix: '/off', perFilter: { csrf: policy({ filterEnabled: {} }) } }), to()]);
    expect([(await harness.ask(port, '/shadow', evil)).status, (await harness.ask(port, '/off', evil)).status, (await harness.ask(port, '/', evil)).status]).toEqual([200, 200, 403]);
    expect(stats.counter('http.test.csrf.request_invalid').value).toBe(2);
  });

  it('needs a share of the requests', () => {
    expect(refused((findings) => csrf({}, 'c', findings))).toEqual(['c.filter_enabled']);
  });
});
