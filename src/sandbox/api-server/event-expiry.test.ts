import { expect, it } from 'vitest';
import { Store, type KubeObject } from '../store/index.ts';
import { expireEvents } from './event-expiry.ts';

it('events go an hour after they were last seen', () => {
  const store = new Store({});
  const now = Date.UTC(2030, 0, 1, 12);
  const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();
  const put = (name: string, created: string, times: object = {}): void => {
    store.put('/events', { apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default', uid: name, creationTimestamp: created }, ...times } as unknown as KubeObject);
  };
  put('repeated', ago(300), { lastTimestamp: ago(59) });
  put('once', ago(61), { lastTimestamp: ago(61) });
  put('new style', ago(300), { lastTimestamp: null, eventTime: ago(300), series: { lastObservedTime: ago(5) } });
  put('timeless', ago(61));
  expireEvents(store, now);
  expect(store.list('/events').map((event) => event.metadata.name).sort()).toEqual(['new style', 'repeated']);
});
