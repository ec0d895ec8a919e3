// The buffer filter through the data plane.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buffer, bufferPerRoute } from '../../../config/small-filters.ts';
import { Harness } from '../../../listener/testdata/harness.ts';
import { compiled, refused, startWithFilter, type Arrived } from '../../testdata/one-filter.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.7.3');
});
afterEach(() => harness.close());

const filter = (maxRequestBytes: number) => ({ name: 'buffer', ...compiled((findings) => buffer({ maxRequestBytes }, '', findings)) });

describe('the buffer filter', () => {
  it('gives a whole body on with its length, and refuses one that is too large', async () => {
    const { port } = await startWithFilter(harness, filter(10));
    const chunked = await harness.ask(port, '/', { method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body: 'ten bytes!' });
    const arrived = JSON.parse(chunked.body) as Arrived;
    expect([arrived.body, arrived.headers['content-length'], arrived.headers['transfer-encoding']]).toEqual(['ten bytes!', '10', undefined]);
    expect(await harness.ask(port, '/', { method: 'POST', body: 'eleven byte' })).toMatchObject({ status: 413, body: 'Payload Too Large' });
    expect((await harness.ask(port)).status).toBe(200);
  });

  it('sends nothing on before the end has come', async () => {
    const { port } = await startWithFilter(harness, filter(100));
    const { text } = await harness.raw(port, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf', 150);
    expect(text).toBe('');
  });

  it('has another limit, or none, where a route says so', async () => {
    const perRoute = (message: Parameters<typeof bufferPerRoute>[0]) => ({ buffer: compiled((findings) => bufferPerRoute(message, '', findings)) });
    const { port } = await startWithFilter(harness, filter(10), (to) => [to({ prefix: '/more', perFilter: perRoute({ override: { $case: 'buffer', buffer: { maxRequestBytes: 20 } } }) }), to({ prefix: '/off', perFilter: perRoute({ override: { $case: 'disabled', disabled: true } }) }), to()]);
    const statuses = [];
    for (const [path, size] of [['/more', 15], ['/more', 25], ['/off', 100_000], ['/', 15]] as const) statuses.push((await harness.ask(port, path, { method: 'POST', body: 'x'.repeat(size) })).status);
    expect(statuses).toEqual([200, 413, 200, 413]);
  });

  it('needs a limit', () => {
    expect(refused((findings) => buffer({}, 'b', findings))).toEqual(['b.max_request_bytes']);
  });
});
