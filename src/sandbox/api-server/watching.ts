// Watches over HTTP: one JSON line an event, from a resourceVersion on, with bookmarks and an end at the wanted time.
import { ExpiredError, type KubeObject, type Store, type StoreEvent } from '../store/index.ts';
import type { Exchange } from './exchange.ts';
import { ApiStatusError } from './internal-client.ts';
import { readRevision } from './listing.ts';
import { isTrue } from './request-info.ts';
import type { Selection } from './selection.ts';
import { expired, statusOf } from './status.ts';

/** Turns an object into the JSON text in which the client wants it. */
export type Render = (object: KubeObject) => string | Promise<string>;

/** What a watch is about. */
export interface WatchOptions {
  readonly store: Store;
  readonly storeKey: string;
  readonly namespace: string | undefined;
  readonly selection: Selection | undefined;
  readonly render: Render;
  /** A bookmark's object at a revision. */
  readonly bookmark: (revision: number, initialEventsEnd: boolean) => string;
}

const BOOKMARK_MILLISECONDS = 30_000;
const MAX_BUFFERED = 8 * 1024 * 1024;

/** Runs one watch until the client leaves or its time is over. */
export class Watch {
  readonly #exchange: Exchange;
  readonly #options: WatchOptions;
  #tail: Promise<void> | undefined = undefined;
  #unsubscribe: () => void = () => undefined;
  #timers: NodeJS.Timeout[] = [];
  #closed = false;

  constructor(exchange: Exchange, options: WatchOptions) {
    this.#exchange = exchange;
    this.#options = options;
  }

  /** Sends the initial events and follows the store. */
  start(): void {
    const { query } = this.#exchange.info;
    const { store, storeKey, namespace, selection } = this.#options;
    const sendInitial = isTrue(query.get('sendInitialEvents'));
    const bookmarks = isTrue(query.get('allowWatchBookmarks'));
    const since = readRevision(query.get('resourceVersion'), (message) => new ApiStatusError(500, '', message));
    let missed: readonly StoreEvent[] = [];
    const replay = sendInitial || since === 0;
    if (!replay) {
      try {
        missed = store.since(storeKey, since);
      } catch (error) {
        if (!(error instanceof ExpiredError)) throw error;
        this.#open();
        this.#write(`{"type":"ERROR","object":${JSON.stringify(statusOf(expired(error.message)))}}\n`);
        this.stop();
        return;
      }
    }
    this.#open();
    if (replay && !(query.get('sendInitialEvents') === 'false')) for (const object of store.list(storeKey, namespace)) if (!selection || selection(object)) this.#emit('ADDED', object);
    for (const event of missed) this.#onEvent(event);
    if (sendInitial && bookmarks) this.#sendBookmark(true);
    this.#unsubscribe = store.subscribe(storeKey, (event) => { this.#onEvent(event); });
    this.#schedule(bookmarks);
  }

  /** Ends the answer. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
    const end = (): void => { this.#exchange.response.end(); };
    if (this.#tail) void this.#tail.then(end);
    else end();
  }

  #open(): void {
    const { response, request } = this.#exchange;
    this.#exchange.writeWarnings();
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    request.socket.setNoDelay(true);
    response.on('close', () => { this.stop(); });
  }

  #schedule(bookmarks: boolean): void {
    const seconds = Number(this.#exchange.info.query.get('timeoutSeconds') ?? 0);
    const limit = seconds > 0 ? seconds * 1000 : (1800 + Math.random() * 1800) * 1000;
    const end = setTimeout(() => {
      if (bookmarks) this.#sendBookmark(false);
      this.stop();
    }, limit);
    this.#timers.push(end);
    if (bookmarks) this.#timers.push(setInterval(() => { this.#sendBookmark(false); }, BOOKMARK_MILLISECONDS));
  }

  #sendBookmark(initialEventsEnd: boolean): void {
    const line = `{"type":"BOOKMARK","object":${this.#options.bookmark(this.#options.store.revision, initialEventsEnd)}}\n`;
    this.#writeLater(() => line);
  }

  /** With a selector, an object may enter or leave the selection without being created or deleted. */
  #onEvent(event: StoreEvent): void {
    const { namespace, selection } = this.#options;
    const { object, previous, type } = event;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return;
    if (!selection) {
      this.#emit(type, object);
      return;
    }
    const before = previous !== undefined && selection(previous);
    const now = type !== 'DELETED' && selection(object);
    if (now) this.#emit(before ? 'MODIFIED' : 'ADDED', object);
    else if (before) this.#emit('DELETED', { ...(type === 'DELETED' ? object : previous), metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion } });
  }

  #emit(type: string, object: KubeObject): void {
    if (this.#closed) return;
    const rendered = this.#tail ? undefined : this.#options.render(object);
    if (typeof rendered === 'string') {
      this.#write(`{"type":"${type}","object":${rendered}}\n`);
      return;
    }
    this.#writeLater(async () => `{"type":"${type}","object":${await (rendered ?? this.#options.render(object))}}\n`);
  }

  /** Keeps the order when an event before is still being converted. */
  #writeLater(build: () => string | Promise<string>): void {
    if (!this.#tail) {
      const line = build();
      if (typeof line === 'string') {
        this.#write(line);
        return;
      }
      this.#queue(line);
      return;
    }
    this.#queue(this.#tail.then(build));
  }

  #queue(line: Promise<string>): void {
    const tail: Promise<void> = line.then((text) => { this.#write(text); }, () => { this.#exchange.response.destroy(); }).then(() => {
      if (this.#tail === tail) this.#tail = undefined;
    });
    this.#tail = tail;
  }

  #write(line: string): void {
    const { response } = this.#exchange;
    if (response.writableEnded || response.destroyed) return;
    response.write(line);
    // A client that does not read is let go: it will resume or list again.
    if (response.writableLength > MAX_BUFFERED) response.destroy();
  }
}
