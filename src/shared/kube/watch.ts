// One watch of the API server (Kubernetes API concepts, "Efficient detection of changes"): yields events until the server ends the stream,
// the connection goes silent for longer than it may, or the caller aborts. The Informer calls it again and again.
import type { KubernetesObject, ResourceType } from '../api/meta/index.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError, type StatusDetails } from './kube-error.ts';
import { collectionPath } from './resource-path.ts';

/** An event of a watch; a bookmark's object holds only a resourceVersion. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** What to watch, and from where. */
export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  /** The server ends the watch after so long; a connection silent for longer is dead. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/** How much longer than the server's own end of the watch we wait. */
const GRACE_SECONDS = 10;
const MAXIMUM_LINE_LENGTH = 64 * 1024 * 1024;

interface StatusObject { readonly code?: number; readonly reason?: string; readonly message?: string; readonly details?: StatusDetails }

/** Yields the events of one watch. Throws a KubeError for an ERROR event (410 when the resourceVersion is too old) and for a broken connection. */
export async function* watch<T extends KubernetesObject>(client: KubeClient, type: ResourceType<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal } = options;
  const path = collectionPath(type, namespace);
  const deadline = AbortSignal.timeout((timeoutSeconds + GRACE_SECONDS) * 1000);
  const stream = await client.stream({
    method: 'GET', path, signal: AbortSignal.any([signal, deadline]),
    query: { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, labelSelector, fieldSelector },
  });
  stream.socket.setKeepAlive(true, 15_000);
  try {
    for await (const line of splitLines(stream)) {
      const event = JSON.parse(line) as { type: WatchEvent<T>['type'] | 'ERROR'; object: T };
      if (event.type === 'ERROR') {
        const status = event.object as StatusObject;
        throw new KubeError(`WATCH ${path}`, status.code ?? 500, status.reason ?? '', status.message ?? '', status.details ?? {});
      }
      yield event as WatchEvent<T>;
    }
  } catch (cause) {
    if (cause instanceof KubeError) throw cause;
    throw new KubeError(`WATCH ${path}`, 0, '', deadline.aborted ? 'the connection went silent' : (cause as Error).message, {}, cause);
  } finally {
    stream.destroy();
  }
}

async function* splitLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAXIMUM_LINE_LENGTH) throw new Error('an event of the watch is longer than 64 MiB');
    }
  }
}
