// An API server for tests, and a client that speaks to it over HTTPS as any outsider would.
import { Agent, request } from 'node:https';
import { ApiServer, type ApiServerOptions } from './api-server.ts';

/** An answer of the server. */
export interface Answer {
  readonly code: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers freely
  readonly body: any;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** One line of a watch. */
export interface WatchLine {
  readonly type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into events freely
  readonly object: any;
}

/** How one request differs from a plain JSON one. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Bearer token; the administrator's certificate is used when absent, nothing when empty. */
  readonly token?: string;
  readonly type?: string;
}

/** A running API server with a client. */
export class TestCluster {
  readonly server: ApiServer;
  #agent: Agent;
  readonly #anonymous: Agent;

  private constructor(server: ApiServer, agent: Agent, anonymous: Agent) {
    this.server = server;
    this.#agent = agent;
    this.#anonymous = anonymous;
  }

  /** Starts a server on a free port of `address`. */
  static async start(address: string, options: Partial<ApiServerOptions> = {}): Promise<TestCluster> {
    const server = new ApiServer({ address, port: 0, serviceNetwork: { first: '127.77.128.1', last: '127.77.128.200' }, nodePortRange: { first: 30_000, last: 30_010 }, onError: (error) => { throw error as Error; }, tokenCacheMilliseconds: 0, ...options });
    await server.start();
    const admin = await server.issueClientCertificate('test-admin', ['system:masters']);
    const ca = server.certificateAuthorityPem;
    return new TestCluster(server, new Agent({ ca, cert: admin.certificate, key: admin.key, keepAlive: true }), new Agent({ ca, keepAlive: true }));
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#anonymous.destroy();
    await this.server.close();
  }

  /** Sends one request; an object is sent as JSON, a string as it is. */
  call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const outgoing = request(new URL(path, this.server.url), { method, agent: options.token === undefined ? this.#agent : this.#anonymous, headers: this.#headers(text, options) }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          resolve({ code: response.statusCode ?? 0, body: isJson ? JSON.parse(answer) : answer, headers: response.headers });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  get(path: string, options?: CallOptions): Promise<Answer> {
    return this.call('GET', path, undefined, options);
  }

  post(path: string, body: unknown, options?: CallOptions): Promise<Answer> {
    return this.call('POST', path, body, options);
  }

  put(path: string, body: unknown, options?: CallOptions): Promise<Answer> {
    return this.call('PUT', path, body, options);
  }

  delete(path: string, body?: unknown): Promise<Answer> {
    return this.call('DELETE', path, body);
  }

  /** A PATCH; `kind` is json, merge, strategic or apply. */
  patch(kind: 'json' | 'merge' | 'strategic' | 'apply', path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    const type = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json', apply: 'application/apply-patch+yaml' }[kind];
    return this.call('PATCH', path, body, { ...options, type });
  }

  /** Starts a watch; `lines` grows as events arrive. */
  watch(path: string): { readonly lines: WatchLine[]; readonly ended: Promise<void>; stop(): void } {
    const lines: WatchLine[] = [];
    const outgoing = request(new URL(path, this.server.url), { agent: this.#agent });
    const ended = new Promise<void>((resolve) => {
      outgoing.on('error', () => { resolve(); });
      outgoing.on('response', (response) => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const parts = (rest + chunk).split('\n');
          rest = parts.pop() ?? '';
          lines.push(...parts.map((line) => JSON.parse(line) as WatchLine));
        });
        response.on('close', () => { resolve(); });
        response.on('error', () => { resolve(); });
      });
    });
    outgoing.end();
    return { lines, ended, stop: () => { outgoing.destroy(); } };
  }

  #headers(text: string | undefined, options: CallOptions): Record<string, string> {
    return {
      accept: 'application/json',
      ...(text === undefined ? {} : { 'content-type': options.type ?? 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
      ...options.headers,
    };
  }
}

/** Waits until `condition` holds; fails after two seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 2000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}
