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

  /** Posts `review` and returns the JSON answer; throws with Kubernetes' words when that fails. */
  async call(config: WebhookClientConfig, review: object, timeoutMilliseconds: number): Promise<unknown> {
    const target = config.service ? this.#resolveService(config) : resolveUrl(config.url ?? '');
    const shown = config.service ? `https://${config.service.name}.${config.service.namespace}.svc:${String(config.service.port ?? 443)}${target.url.pathname}` : target.url.href;
    const url = new URL(shown);
    url.searchParams.set('timeout', `${String(Math.ceil(timeoutMilliseconds / 1000))}s`);
    try {
      return await this.#post(target, config.caBundle, JSON.stringify(review), timeoutMilliseconds);
    } catch (error) {
      throw new Error(`failed to call webhook: Post "${url.href}": ${describeError(error)}`, { cause: error });
    }
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #resolveService(config: WebhookClientConfig): Target {
    const { namespace, name, path = '/', port = 443 } = config.service as NonNullable<WebhookClientConfig['service']>;
    const service = this.#store.get('/services', namespace, name);
    if (!service) throw new Error(`failed to call webhook: service "${name}" not found`);
    const servicePort = ((service.spec.ports ?? []) as { name?: string; port: number }[]).find((candidate) => candidate.port === port);
    if (!servicePort) throw new Error(`failed to call webhook: no service port ${String(port)} found for service "${name}"`);
    const address = readyAddress(this.#store.list('discovery.k8s.io/endpointslices', namespace).filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name), servicePort.name ?? '');
    if (address === undefined) throw new Error(`failed to call webhook: no endpoints available for service "${name}"`);
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

  #post(target: Target, caBundle: string | undefined, body: string, timeout: number): Promise<unknown> {
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
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode !== 200) reject(new Error(`the server answered ${String(response.statusCode)}: ${text.slice(0, 200)}`));
          else parseAnswer(text, resolve, reject);
        });
      });
      const timer = setTimeout(() => outgoing.destroy(new Error('context deadline exceeded')), timeout);
      outgoing.on('close', () => { clearTimeout(timer); });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function parseAnswer(text: string, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  try {
    resolve(JSON.parse(text));
  } catch (cause) {
    reject(new Error('the answer is not JSON', { cause }));
  }
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
