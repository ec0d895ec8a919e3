// Calls webhooks over HTTPS: at a URL, or at a ready endpoint of a Service in the cluster.
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { describeError } from '../../shared/lib/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { WebhookClientConfig } from './resource-info.ts';

const MAX_ANSWER = 16 * 1024 * 1024;

interface Target { readonly url: URL; readonly servername: string; readonly host: string; readonly hostHeader: string }

/** Posts review objects to webhooks. */
export class WebhookCaller {
  readonly #store: Store;
  readonly #agents = new Map<string, Agent>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Posts `review` and returns the JSON answer; throws with Kubernetes' words, after `prefix`, when that fails. */
  async call(config: WebhookClientConfig, review: object, timeoutMilliseconds: number, prefix = 'failed to call webhook: '): Promise<unknown> {
    const { service, url: stated = '' } = config;
    const url = new URL(service ? `https://${service.name}.${service.namespace}.svc:${String(service.port ?? 443)}/${(service.path ?? '').replace(/^\//, '')}` : stated);
    // A port that the scheme implies is shown all the same.
    const shown = service ? `https://${service.name}.${service.namespace}.svc:${String(service.port ?? 443)}${url.pathname}` : url.href;
    const answer = await this.#reach(config, JSON.stringify(review), timeoutMilliseconds).catch((error: unknown) => {
      // The cause's own words are in these already.
      throw new Error(`${prefix}Post "${shown}?timeout=${String(Math.ceil(timeoutMilliseconds / 1000))}s": ${reachProblem(error)}`);
    });
    return readAnswer(answer, prefix);
  }

  #reach(config: WebhookClientConfig, body: string, timeout: number): Promise<HttpAnswer> {
    return new Promise((resolve) => { resolve(config.service ? this.#resolveService(config) : resolveUrl(config.url ?? '')); }).then((target) => this.#post(target as Target, config.caBundle, body, timeout));
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #resolveService(config: WebhookClientConfig): Target {
    const { namespace, name, path = '/', port = 443 } = config.service as NonNullable<WebhookClientConfig['service']>;
    const service = this.#store.get('/services', namespace, name);
    if (!service) throw new Error(`service "${name}" not found`);
    const servicePort = ((service.spec.ports ?? []) as { name?: string; port: number }[]).find((candidate) => candidate.port === port);
    if (!servicePort) throw new Error(`no service port ${String(port)} found for service "${name}"`);
    const address = readyAddress(this.#store.list('discovery.k8s.io/endpointslices', namespace).filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name), servicePort.name ?? '');
    if (address === undefined) throw new Error(`no endpoints available for service "${name}"`);
    const servername = `${name}.${namespace}.svc`;
    return { url: new URL(`https://${address}${path.startsWith('/') ? path : `/${path}`}`), servername, host: address, hostHeader: `${servername}:${String(port)}` };
  }

  #agent(target: Target, caBundle: string | undefined): Agent {
    const key = `${target.servername} ${caBundle ?? ''}`;
    let agent = this.#agents.get(key);
    if (!agent) {
      // Old bundles are dropped: certificates rotate.
      if (this.#agents.size > 100) this.close();
      agent = new Agent({ keepAlive: true, maxSockets: 32, ...(caBundle ? { ca: Buffer.from(caBundle, 'base64').toString() } : {}) });
      this.#agents.set(key, agent);
    }
    return agent;
  }

  #post(target: Target, caBundle: string | undefined, body: string, timeout: number): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(target.url, {
        method: 'POST',
        agent: this.#agent(target, caBundle),
        // An address is no server name; the certificate is then checked against the address itself.
        ...(isIP(target.servername) === 0 ? { servername: target.servername } : {}),
        headers: { 'content-type': 'application/json', accept: 'application/json', host: target.hostHeader, 'content-length': Buffer.byteLength(body) },
      }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER) outgoing.destroy(new Error('answer is too long'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ code: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text: Buffer.concat(chunks).toString() });
        });
      });
      const timer = setTimeout(() => outgoing.destroy(new Error('context deadline exceeded')), timeout);
      outgoing.on('close', () => { clearTimeout(timer); });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

interface HttpAnswer { readonly code: number; readonly type: string; readonly text: string }

/** What an answer says that is not a success. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'unknown',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
};

function readAnswer({ code, type, text }: HttpAnswer, prefix: string): unknown {
  const fail = (words: string): Error => new Error(prefix + words);
  if (code < 200 || code >= 300) throw fail(REFUSALS[code] ?? (code >= 500 ? 'an error on the server ("unknown") has prevented the request from succeeding' : `the server responded with the status code ${String(code)} but did not return more information`));
  if (text === '') throw fail(`0-length response with status code: ${String(code)} and content type: ${type}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail(`couldn't get version/kind; json parse error: ${describeError(cause)}`);
  }
}

const UNTRUSTED: ReadonlySet<string> = new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_GET_ISSUER_CERT']);

/** Why a server in the cluster could not be reached, in the words of Kubernetes' own client. */
export function reachProblem(error: unknown): string {
  const { code = '', address = '', port = '' } = error as { code?: string; address?: string; port?: number };
  if (code === 'ECONNREFUSED') return `dial tcp ${address}:${String(port)}: connect: connection refused`;
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${(error as { hostname?: string }).hostname ?? ''}: no such host`;
  if (UNTRUSTED.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  if (code === 'CERT_HAS_EXPIRED') return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  return describeError(error);
}

function resolveUrl(text: string): Target {
  const url = new URL(text);
  return { url, servername: url.hostname, host: url.host, hostHeader: url.host };
}

interface Endpoint { addresses: string[]; conditions?: { ready?: boolean } }

function readyAddress(slices: readonly KubeObject[], portName: string): string | undefined {
  const candidates = slices.flatMap((slice) => {
    const port = ((slice['ports'] ?? []) as { name?: string; port?: number }[]).find((candidate) => (candidate.name ?? '') === portName)?.port;
    if (port === undefined) return [];
    return ((slice['endpoints'] ?? []) as Endpoint[]).filter((endpoint) => endpoint.conditions?.ready !== false).flatMap((endpoint) => endpoint.addresses.map((address) => `${address}:${String(port)}`));
  });
  return candidates[Math.floor(Math.random() * candidates.length)];
}
