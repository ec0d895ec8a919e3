// A small Kubernetes API server over real HTTP for tests: any kind at any path, resourceVersions with conflicts, list in parts,
// watch with bookmarks and 410, merge patch, apply as merge, status subresource, finalizers. It can be made to misbehave: suites that need that, or that
// put objects there which no API server would take, stay in ring 1; the others stand on test-api-server.ts and run on a real one too.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';

interface Meta { name: string; namespace?: string; uid: string; resourceVersion: string; finalizers?: string[]; deletionTimestamp?: string; labels?: Record<string, string>; generation?: number }
type Stored = { apiVersion?: string; kind?: string; metadata: Meta; spec?: unknown; status?: unknown } & Record<string, unknown>;
interface Change { readonly version: number; readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly collection: string; readonly object: Stored }
interface Watcher { readonly collection: string; readonly namespace: string | undefined; readonly response: ServerResponse }

/** Parts of a resource path: `/apis/group/version[/namespaces/ns]/plural[/name[/subresource]]`. */
interface Target { readonly collection: string; readonly namespace: string | undefined; readonly name: string | undefined; readonly subresource: string | undefined }

/** The server; `url` is where it listens. */
export class FakeKubeApiServer {
  readonly requests: { readonly method: string; readonly path: string; readonly query: URLSearchParams; readonly body: unknown; readonly headers: IncomingMessage['headers'] }[] = [];
  /** Answers before the server does when it gives something. */
  intercept: ((method: string, path: string, query: URLSearchParams) => { status: number; reason?: string; message?: string; headers?: Record<string, string> } | undefined) | undefined;
  /** Accepts watches but sends nothing on them. */
  silentWatches = false;
  readonly #objects = new Map<string, Stored>();
  #changes: Change[] = [];
  #oldest = 0;
  #version = 0;
  readonly #watchers = new Set<Watcher>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A kubeconfig for this server. */
  get kubeconfig(): string {
    return JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: this.url } }], users: [{ name: 'fake', user: {} }], contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    });
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#handle(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Cuts every connection and closes the port; `start` opens the same port again with the same objects. */
  async stop(): Promise<void> {
    this.#server?.close();
    this.#watchers.clear();
    for (const socket of this.#sockets) socket.destroy();
    this.#server = undefined;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Ends all watches as a server does at their timeout. */
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.response.end();
    this.#watchers.clear();
  }

  /** Forgets changes, so that watches from before now get 410. */
  compact(): void {
    this.#changes = [];
    this.#oldest = this.#version;
  }

  /** Puts an object directly; `collection` is like `/api/v1/pods`. */
  put(collection: string, object: { metadata: { name: string; namespace?: string } } & Record<string, unknown>): void {
    const key = keyOf(collection, object.metadata.namespace, object.metadata.name);
    const present = this.#objects.get(key);
    this.#write(collection, key, structuredClone(object) as unknown as Stored, present ? 'MODIFIED' : 'ADDED', present);
  }

  /** Removes an object directly. */
  remove(collection: string, name: string, namespace?: string): void {
    const key = keyOf(collection, namespace, name);
    const present = this.#objects.get(key);
    if (present) this.#erase(collection, key, present);
  }

  read(collection: string, name: string, namespace?: string): Stored | undefined {
    return this.#objects.get(keyOf(collection, namespace, name));
  }

  /** The objects of a collection. */
  objects(collection: string): Stored[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${collection}|`)).map(([, object]) => object);
  }

  /** Sends a bookmark on every watch. */
  bookmark(): void {
    for (const { response } of this.#watchers) response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } })}\n`);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const method = request.method ?? 'GET';
    this.requests.push({ method, path: url.pathname, query: url.searchParams, body, headers: request.headers });
    const answer = this.intercept?.(method, url.pathname, url.searchParams);
    if (answer) {
      for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
      sendStatus(response, answer.status, answer.reason ?? '', answer.message ?? '');
      return;
    }
    if (url.pathname === '/version') {
      send(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0+fake', platform: 'linux/amd64' });
      return;
    }
    const target = parsePath(url.pathname);
    if (!target) sendStatus(response, 404, 'NotFound', 'the server could not find the requested resource');
    else if (method === 'GET' && url.searchParams.get('watch') === 'true') this.#watch(target, url.searchParams, response);
    else if (method === 'GET' && target.name === undefined) this.#list(target, url.searchParams, response);
    else this.#object(method, target, body as Stored | undefined, response);
  }

  #list(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const [wantedName, wantedValue] = (query.get('labelSelector') ?? '').split('=');
    const all = this.objects(target.collection)
      .filter((object) => target.namespace === undefined || object.metadata.namespace === target.namespace)
      .filter((object) => !wantedName || object.metadata.labels?.[wantedName] === wantedValue);
    const limit = Number(query.get('limit') ?? 0) || all.length;
    const start = Number(query.get('continue') ?? 0);
    const rest = all.length - start - limit;
    send(response, 200, { kind: 'List', metadata: { resourceVersion: String(this.#version), ...(rest > 0 ? { continue: String(start + limit), remainingItemCount: rest } : {}) }, items: all.slice(start, start + limit) });
  }

  #watch(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (this.silentWatches) return;
    if (from < this.#oldest || from > this.#version) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } })}\n`);
      return;
    }
    const watcher: Watcher = { collection: target.collection, namespace: target.namespace, response };
    for (const change of this.#changes) if (change.version > from) tell(watcher, change);
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }

  #object(method: string, target: Target, body: Stored | undefined, response: ServerResponse): void {
    const name = target.name ?? body?.metadata.name ?? '';
    const key = keyOf(target.collection, target.namespace, name);
    const present = this.#objects.get(key);
    if (method === 'POST') {
      if (present) sendStatus(response, 409, 'AlreadyExists', `"${name}" already exists`);
      else send(response, 201, this.#write(target.collection, key, withNamespace(body, target.namespace), 'ADDED', undefined));
      return;
    }
    if (!present && !(method === 'PATCH' && body?.kind !== undefined)) {
      sendStatus(response, 404, 'NotFound', `"${name}" not found`);
      return;
    }
    if (method === 'GET') send(response, 200, present);
    else if (method === 'DELETE') this.#delete(target.collection, key, present as Stored, response);
    else this.#change(method, target, key, present, body as Stored, response);
  }

  #change(method: string, target: Target, key: string, present: Stored | undefined, body: Stored, response: ServerResponse): void {
    const wanted = body.metadata?.resourceVersion;
    if (wanted !== undefined && present && wanted !== present.metadata.resourceVersion) {
      sendStatus(response, 409, 'Conflict', 'the object has been modified');
      return;
    }
    let next: Stored;
    if (method === 'PATCH') next = merge(present ?? {}, body) as Stored;
    else if (target.subresource === 'status') next = { ...(present as Stored), status: body.status };
    else next = { ...body, metadata: { ...body.metadata }, ...(present?.status !== undefined ? { status: present.status } : {}) };
    next = withNamespace(next, target.namespace);
    if (next.metadata.deletionTimestamp && (next.metadata.finalizers ?? []).length === 0) {
      this.#erase(target.collection, key, next);
      send(response, 200, next);
    } else send(response, 200, this.#write(target.collection, key, next, present ? 'MODIFIED' : 'ADDED', present));
  }

  #delete(collection: string, key: string, present: Stored, response: ServerResponse): void {
    if ((present.metadata.finalizers ?? []).length > 0) {
      const marked = { ...present, metadata: { ...present.metadata, deletionTimestamp: new Date().toISOString() } };
      send(response, 200, this.#write(collection, key, marked, 'MODIFIED', present));
      return;
    }
    this.#erase(collection, key, present);
    send(response, 200, { kind: 'Status', status: 'Success' });
  }

  #write(collection: string, key: string, object: Stored, type: 'ADDED' | 'MODIFIED', present: Stored | undefined): Stored {
    this.#version += 1;
    const metadata = { ...object.metadata, uid: present?.metadata.uid ?? `uid-${this.#version}`, resourceVersion: String(this.#version) };
    const stored = { ...object, metadata };
    this.#objects.set(key, stored);
    this.#publish({ version: this.#version, type, collection, object: stored });
    return stored;
  }

  #erase(collection: string, key: string, object: Stored): void {
    this.#version += 1;
    this.#objects.delete(key);
    this.#publish({ version: this.#version, type: 'DELETED', collection, object: { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } } });
  }

  #publish(change: Change): void {
    this.#changes.push(change);
    for (const watcher of this.#watchers) tell(watcher, change);
  }
}

function tell(watcher: Watcher, change: Change): void {
  if (watcher.collection !== change.collection) return;
  if (watcher.namespace !== undefined && watcher.namespace !== change.object.metadata.namespace) return;
  watcher.response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
}

function keyOf(collection: string, namespace: string | undefined, name: string): string {
  return `${collection}|${namespace ?? ''}/${name}`;
}

function withNamespace(object: Stored | undefined, namespace: string | undefined): Stored {
  const base = object as Stored;
  return namespace === undefined ? base : { ...base, metadata: { ...base.metadata, namespace } };
}

function parsePath(path: string): Target | undefined {
  const match = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(path);
  if (!match) return undefined;
  const [, root, namespace, plural, name, subresource] = match;
  return { collection: `${root}/${plural}`, namespace, name, subresource };
}

function merge(base: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const result: Record<string, unknown> = typeof base === 'object' && base !== null && !Array.isArray(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function sendStatus(response: ServerResponse, code: number, reason: string, message: string): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}
