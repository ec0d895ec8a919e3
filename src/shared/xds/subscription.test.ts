// Both halves of the ADS protocol against one another and against the protocol's rules.
import { describe, expect, it } from 'vitest';
import { DeltaClientState, DeltaSubscription, parseClusterName, outboundClusterName, SotwClientState, SotwSubscription, TYPE_URLS } from './index.ts';

describe('SotwSubscription', () => {
  it('answers the first request, then takes ACKs in silence', () => {
    const server = new SotwSubscription(TYPE_URLS.cluster);
    const client = new SotwClientState(TYPE_URLS.cluster);
    expect(server.receive(client.connect())).toEqual({ kind: 'respond', reason: 'initial', names: 'wildcard' });
    server.sent('n1', 'v1');
    expect(server.status.outstanding).toBe(true);
    expect(server.receive(client.accept({ nonce: 'n1', versionInfo: 'v1' }))).toEqual({ kind: 'ack' });
    expect(server.status).toMatchObject({ acknowledgedVersion: 'v1', outstanding: false });
  });

  it('keeps what was acknowledged when a response is refused, and does not answer', () => {
    const server = new SotwSubscription(TYPE_URLS.listener);
    const client = new SotwClientState(TYPE_URLS.listener);
    server.receive(client.connect());
    server.sent('n1', 'v1');
    server.receive(client.accept({ nonce: 'n1', versionInfo: 'v1' }));
    server.sent('n2', 'v2');
    const nack = client.refuse({ nonce: 'n2' }, 'bad port');
    expect(nack).toMatchObject({ versionInfo: 'v1', responseNonce: 'n2', errorDetail: { message: 'bad port' } });
    expect(server.receive(nack)).toEqual({ kind: 'nack', error: 'bad port' });
    expect(server.status).toMatchObject({ acknowledgedVersion: 'v1', sentVersion: 'v2', lastError: 'bad port' });
  });

  it('ignores a request for a response that is no longer the last', () => {
    const server = new SotwSubscription(TYPE_URLS.endpoint);
    const client = new SotwClientState(TYPE_URLS.endpoint);
    client.subscribe(['a']);
    server.receive(client.connect());
    server.sent('n1', 'v1');
    server.sent('n2', 'v2');
    expect(server.receive(client.accept({ nonce: 'n1', versionInfo: 'v1' }))).toEqual({ kind: 'stale' });
  });

  it('answers added names only, and removed names not at all', () => {
    const server = new SotwSubscription(TYPE_URLS.endpoint);
    const client = new SotwClientState(TYPE_URLS.endpoint);
    client.subscribe(['a', 'b']);
    server.receive(client.connect());
    server.sent('n1', 'v1');
    server.receive(client.accept({ nonce: 'n1', versionInfo: 'v1' }));
    const more = client.subscribe(['a', 'b', 'c']);
    expect(more && server.receive(more)).toEqual({ kind: 'respond', reason: 'names-added', names: ['c'] });
    const less = client.subscribe(['c']);
    expect(less && server.receive(less)).toEqual({ kind: 'names-removed' });
    expect([...server.names]).toEqual(['c']);
  });

  it('answers a proxy that comes back on a new stream with what it wants', () => {
    const client = new SotwClientState(TYPE_URLS.route);
    client.subscribe(['80']);
    client.connect();
    client.accept({ nonce: 'n1', versionInfo: 'v1' });
    client.disconnect();
    const again = client.connect();
    expect(again).toMatchObject({ versionInfo: 'v1', responseNonce: '', resourceNames: ['80'] });
    expect(new SotwSubscription(TYPE_URLS.route).receive(again)).toEqual({ kind: 'respond', reason: 'reconnect', names: ['80'] });
  });

  it('treats no names of a named type as the end of the subscription', () => {
    const server = new SotwSubscription(TYPE_URLS.endpoint);
    server.receive({ resourceNames: ['a'] });
    expect(server.receive({ resourceNames: [] })).toEqual({ kind: 'unsubscribed' });
    expect(server.active).toBe(false);
  });

  it('answers the acknowledgement after clusters were sent anew, since they wait for endpoints', () => {
    const server = new SotwSubscription(TYPE_URLS.endpoint);
    server.receive({ resourceNames: ['a'] });
    server.sent('n1', 'v1');
    server.rewarm();
    expect(server.receive({ resourceNames: ['a'], responseNonce: 'n1' })).toEqual({ kind: 'respond', reason: 'rewarm', names: ['a'] });
    server.sent('n2', 'v2');
    expect(server.receive({ resourceNames: ['a'], responseNonce: 'n2' })).toEqual({ kind: 'ack' });
  });
});

describe('DeltaSubscription', () => {
  const resource = (name: string, version: string): { name: string; version: string } => ({ name, version });

  it('sends what changed and removes what is gone, and nothing twice', () => {
    const server = new DeltaSubscription(TYPE_URLS.cluster);
    const client = new DeltaClientState(TYPE_URLS.cluster, true);
    expect(server.receive(client.connect() ?? {})).toEqual({ kind: 'respond', reason: 'initial', names: 'wildcard' });
    const first = server.difference([resource('a', '1'), resource('b', '1')], true);
    expect(first.changed).toHaveLength(2);
    server.sent('n1', 'v1', first.changed, first.removed);
    expect(server.receive(client.accept({ nonce: 'n1', resources: first.changed.map((item) => ({ ...item })) }))).toEqual({ kind: 'ack' });
    expect(server.difference([resource('a', '1'), resource('b', '1')], true)).toEqual({ changed: [], removed: [] });
    expect(server.difference([resource('a', '2')], true)).toEqual({ changed: [resource('a', '2')], removed: ['b'] });
  });

  it('sends a proxy that comes back only what it lacks', () => {
    const client = new DeltaClientState(TYPE_URLS.cluster, true);
    client.connect();
    client.accept({ nonce: 'n1', resources: [resource('a', '1'), resource('gone', '1')] });
    client.disconnect();
    const server = new DeltaSubscription(TYPE_URLS.cluster);
    expect(server.receive(client.connect() ?? {})).toMatchObject({ kind: 'respond', reason: 'reconnect' });
    expect(server.difference([resource('a', '1'), resource('b', '1')], true)).toEqual({ changed: [resource('b', '1')], removed: ['gone'] });
  });

  it('sends again what was refused, and still tells its removal', () => {
    const server = new DeltaSubscription(TYPE_URLS.listener);
    server.receive({});
    server.sent('n1', 'v1', [resource('a', '1')], []);
    expect(server.receive({ responseNonce: 'n1', errorDetail: { message: 'no' } })).toEqual({ kind: 'nack', error: 'no' });
    expect(server.difference([resource('a', '1')], true).changed).toHaveLength(1);
    expect(server.difference([], true).removed).toEqual(['a']);
  });

  it('follows names as they are added and removed, with or without a nonce', () => {
    const server = new DeltaSubscription(TYPE_URLS.endpoint);
    const client = new DeltaClientState(TYPE_URLS.endpoint, false);
    expect(client.connect()).toBeUndefined();
    const first = client.subscribe(['a']);
    expect(first && server.receive(first)).toEqual({ kind: 'respond', reason: 'initial', names: ['a'] });
    const more = client.subscribe(['a', 'b']);
    expect(more && server.receive(more)).toEqual({ kind: 'respond', reason: 'names-added', names: ['b'] });
    const less = client.subscribe(['b']);
    expect(less && server.receive(less)).toEqual({ kind: 'names-removed' });
    const none = client.subscribe([]);
    expect(none && server.receive(none)).toEqual({ kind: 'unsubscribed' });
    expect(server.wildcard).toBe(false);
  });
});

describe('cluster names', () => {
  it('come back from their parts', () => {
    expect(parseClusterName(outboundClusterName('a.example', 80, 'v1'))).toEqual({ direction: 'outbound', port: 80, subset: 'v1', host: 'a.example' });
    for (const name of ['BlackHoleCluster', 'outbound|x||a', 'outbound|1|a', 'other|1||a']) expect(parseClusterName(name)).toBeUndefined();
  });
});
