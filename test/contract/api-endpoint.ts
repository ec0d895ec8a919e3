// One API server as a client sees it that believes nothing: raw HTTPS with whatever headers a test wants. Used by the contract
// scenarios on the sandbox and on a real kube-apiserver alike.
import { Agent, request } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

/** An answer of the server. */
export interface Answer {
  readonly code: number;
  readonly body: any;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** How one request differs from a plain JSON one of the administrator. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Bearer token; the administrator's certificate is used when absent, nothing when empty. */
  readonly token?: string;
  /** Media type of the body. */
  readonly type?: string;
  /** User to act as. */
  readonly as?: string;
}

/** A watch under way. */
export interface OpenWatch {
  readonly code: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** Lines of the answer so far, each a JSON value unless another form was asked for. */
  readonly lines: unknown[];
  readonly ended: Promise<void>;
  stop(): void;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly { readonly user: { readonly 'client-certificate-data'?: string; readonly 'client-key-data'?: string } }[];
}

const ANSWER_MILLISECONDS = 10_000;

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();

/** The server that an administrator's kubeconfig names. */
export class ApiEndpoint {
  readonly server: string;
  readonly #admin: Agent;
  readonly #anonymous: Agent;

  constructor(kubeconfigText: string) {
    const { clusters: [cluster], users: [user] } = parse(kubeconfigText) as Kubeconfig;
    if (!cluster || !user) throw new Error('the kubeconfig names no cluster or no user');
    this.server = cluster.cluster.server;
    const ca = decode(cluster.cluster['certificate-authority-data']);
    this.#admin = new Agent({ ca, cert: decode(user.user['client-certificate-data']), key: decode(user.user['client-key-data']), keepAlive: true });
    this.#anonymous = new Agent({ ca, keepAlive: true });
  }

  close(): void {
    this.#admin.destroy();
    this.#anonymous.destroy();
  }

  /** Sends one request; an object is sent as JSON, text and bytes as they are. */
  call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const bytes = encodeBody(body);
      const outgoing = request(new URL(path, this.server), { method, agent: this.#agentFor(options), headers: headersOf(bytes, options) }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => { resolve({ code: response.statusCode ?? 0, headers: response.headers, body: decodeBody(Buffer.concat(chunks), response.headers) }); });
      });
      outgoing.on('error', reject);
      outgoing.setTimeout(ANSWER_MILLISECONDS, () => { outgoing.destroy(new Error(`${method} ${path} was not answered, or without an end`)); });
      outgoing.end(bytes);
    });
  }

  /** Starts a watch; resolves when the head of the answer is there. */
  watch(path: string, options: CallOptions = {}): Promise<OpenWatch> {
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.server), { agent: this.#agentFor(options), headers: headersOf(undefined, options) });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        const lines: unknown[] = [];
        let rest = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          const parts = (rest + chunk).split('\n');
          rest = parts.pop() ?? '';
          lines.push(...parts.map(parseLine));
        });
        const ended = new Promise<void>((done) => { response.on('close', () => { done(); }).on('error', () => { done(); }); });
        void ended.then(() => { if (rest !== '') lines.push(parseLine(rest)); });
        resolve({ code: response.statusCode ?? 0, headers: response.headers, lines, ended, stop: () => { outgoing.destroy(); } });
      });
      outgoing.end();
    });
  }

  #agentFor({ token }: CallOptions): Agent {
    return token === undefined ? this.#admin : this.#anonymous;
  }
}

/** A line of a watch; one that is no JSON stays text. */
function parseLine(line: string): unknown {
  return line.startsWith('{"') && line.endsWith('}') ? JSON.parse(line) : line;
}

function encodeBody(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function decodeBody(raw: Buffer, headers: NodeJS.Dict<string | string[]>): unknown {
  const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  const type = String(headers['content-type'] ?? '');
  if (bytes.length === 0) return bytes;
  if (type.startsWith('application/json')) return JSON.parse(bytes.toString());
  return type.startsWith('text/') || type === 'application/yaml' ? bytes.toString() : bytes;
}

function headersOf(bytes: Buffer | undefined, options: CallOptions): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'contract/1.0',
    ...(bytes === undefined ? {} : { 'content-type': options.type ?? 'application/json', 'content-length': String(bytes.length) }),
    ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    ...(options.as === undefined ? {} : { 'impersonate-user': options.as }),
    ...options.headers,
  };
}
