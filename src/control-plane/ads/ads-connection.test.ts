// One stream on its own: what it keeps of past messages, and how it ends.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { MessageStream } from '../../shared/grpc/index.ts';
import type { Translator } from '../../mesh/index.ts';
import { AdsConnection, type AnyDiscoveryRequest, type ConnectionContext } from './ads-connection.ts';

const unused = (): never => {
  throw new Error('not part of this test');
};

function connectionOn(stream: MessageStream<AnyDiscoveryRequest, unknown>): AdsConnection {
  const context = {
    translator: { statistics: { entries: 0, hits: 0, misses: 0 }, generate: unused } satisfies Translator, secrets: { secretsFor: unused, keepOnly: unused, release: unused }, snapshot: unused, channel: unused,
    admit: () => ({ id: 'p' }), authenticated: false,
  } as unknown as ConnectionContext<AnyDiscoveryRequest, unknown>;
  return new AdsConnection('c', '127.0.0.1:1', 'sotw', stream, context);
}

function streamOf(messages: () => AsyncGenerator<AnyDiscoveryRequest>): MessageStream<AnyDiscoveryRequest, unknown> {
  return { send: async () => undefined, end: () => undefined, cancel: () => undefined, [Symbol.asyncIterator]: messages };
}

test('past messages are not kept while the stream lives', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seen: WeakRef<object>[] = [];
  let alive = -1;
  const connection = connectionOn(streamOf(async function* () {
    for (let count = 0; count < 200; count += 1) {
      const message = { typeUrl: 'type.googleapis.com/not.Served' };
      seen.push(new WeakRef(message));
      yield message;
    }
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    alive = seen.filter((reference) => reference.deref() !== undefined).length;
  }));
  await connection.serve(() => undefined);
  expect(seen).toHaveLength(200);
  expect(alive).toBeLessThan(10);
});

test('closing ends a connection that waits for its proxy, and one that is closed before it is served', async () => {
  const silent = (): MessageStream<AnyDiscoveryRequest, unknown> => streamOf(async function* () {
    await new Promise(() => undefined);
    yield {};
  });
  const waiting = connectionOn(silent());
  const served = waiting.serve(() => undefined);
  waiting.close(new Error('the namespace left the mesh'));
  await expect(served).rejects.toThrow('the namespace left the mesh');
  const early = connectionOn(silent());
  early.close(new Error('stopping'));
  await expect(early.serve(() => undefined)).rejects.toThrow('stopping');
});
