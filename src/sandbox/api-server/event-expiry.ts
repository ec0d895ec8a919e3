// Forgets Events an hour after they were last seen, as a cluster does: without it a sandbox that is kept grows with all that ever happened in it.
import type { KubeObject, Store } from '../store/index.ts';

/** Where events of both API groups are stored. */
const EVENTS = '/events';
const LIFETIME_MILLISECONDS = 60 * 60_000;
const LOOK_EVERY_MILLISECONDS = 60_000;

/** Looks once a minute; returns the way to stop. */
export function startEventExpiry(store: Store): () => void {
  const timer = setInterval(() => { expireEvents(store, Date.now()); }, LOOK_EVERY_MILLISECONDS);
  timer.unref();
  return () => { clearInterval(timer); };
}

/** Removes the events that are too old at `now`. */
export function expireEvents(store: Store, now: number): void {
  for (const event of store.list(EVENTS)) {
    if (now - lastSeen(event) > LIFETIME_MILLISECONDS) store.remove(EVENTS, event.metadata.namespace, event.metadata.name);
  }
}

function lastSeen(event: KubeObject): number {
  const series = event['series'] as { lastObservedTime?: string } | undefined;
  const times = [event['lastTimestamp'], event['eventTime'], series?.lastObservedTime, event.metadata.creationTimestamp].map((time) => Date.parse(String(time))).filter((time) => !Number.isNaN(time));
  return Math.max(...times);
}
