// The health check filter through the data plane.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { healthCheck } from '../../../config/small-filters.ts';
import { Harness, wait } from '../../../listener/testdata/harness.ts';
import { compiled, refused, startWithFilter } from '../../testdata/one-filter.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.7.6');
});
afterEach(() => harness.close());

const PATH = [{ name: ':path', headerMatchSpecifier: { $case: 'exactMatch' as const, exactMatch: '/missing' } }];
const filter = (message: Parameters<typeof healthCheck>[0]) => ({ name: 'health', ...compiled((findings) => healthCheck({ headers: PATH, ...message }, '', findings)) });

describe('the health check filter', () => {
  it('answers by itself, and leaves all else alone', async () => {
    const { port } = await startWithFilter(harness, filter({ passThroughMode: false }));
    expect(await harness.ask(port, '/missing')).toMatchObject({ status: 200, body: '', headers: { 'x-envoy-upstream-healthchecked-cluster': 'web.shop' } });
    expect((await harness.ask(port, '/other')).headers['x-app']).toBe('yes');
  });

  it.each([{ cluster: 'app', status: 200 }, { cluster: 'absent', status: 503 }])('looks at the cluster $cluster', async ({ cluster, status }) => {
    const { port } = await startWithFilter(harness, filter({ passThroughMode: false, clusterMinHealthyPercentages: { [cluster]: { value: 100 } } }));
    expect((await harness.ask(port, '/missing')).status).toBe(status);
  });

  it('asks the application, and says the same for a while', async () => {
    const { port } = await startWithFilter(harness, filter({ passThroughMode: true, cacheTime: { nanos: 2e8 } }));
    const answers = [];
    for (let index = 0; index < 2; index += 1) answers.push(await harness.ask(port, '/missing'));
    await wait(250);
    answers.push(await harness.ask(port, '/missing'));
    expect(answers.map(({ status, headers }) => [status, headers['x-app']])).toEqual([[404, 'yes'], [404, undefined], [404, 'yes']]);
  });

  it('refuses what does not go together', () => {
    expect(refused((findings) => healthCheck({ passThroughMode: false, cacheTime: { seconds: 1 } }, 'h', findings))).toEqual(['h.cache_time']);
    expect(refused((findings) => healthCheck({}, 'h', findings))).toEqual(['h.pass_through_mode']);
  });
});
