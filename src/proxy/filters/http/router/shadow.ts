// A copy of a request sent to another cluster, whose answer nobody waits for. Sent when the whole request is known; one that is too large is not copied.
import type { ResponseDecoder, RequestEncoder } from '../../../codec/api.ts';
import type { Host, HostReceiver } from '../../../cluster/host.ts';
import type { Cluster } from '../../../cluster/cluster.ts';
import type { RouteActionConfig } from '../../../config/route-config.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { PoolReceiver } from '../../../upstream/http-pool.ts';
import type { FilterServices } from '../../services.ts';

const TIMEOUT_MILLISECONDS = 15_000;

/** Authority of a copy: `-shadow` after the host's name. */
function shadowAuthority(authority: string): string {
  const colon = /:[0-9]+$/.exec(authority);
  return colon ? `${authority.slice(0, colon.index)}-shadow${colon[0]}` : `${authority}-shadow`;
}

/** A copy that is to be sent. */
export interface Mirror { readonly cluster: Cluster; readonly headers: RequestHeaders }

/** The copies of a request that its route's policies and the dice ask for; null for none. */
export function drawMirrors(services: FilterServices, policies: RouteActionConfig['mirrors'], headers: RequestHeaders): readonly Mirror[] | null {
  let mirrors: Mirror[] | null = null;
  for (const policy of policies) {
    const cluster = services.clusters.get(policy.cluster);
    if (!cluster || services.random() * 1_000_000 >= policy.perMillion) continue;
    const copy = headers.clone();
    if (!policy.disableShadowSuffix) copy.authority = shadowAuthority(copy.authority);
    (mirrors ??= []).push({ cluster, headers: copy });
  }
  return mirrors;
}

/** Sends a copy. */
export function sendShadow(services: FilterServices, cluster: Cluster, headers: RequestHeaders, body: readonly Buffer[]): void {
  new Shadow(services, cluster, headers, body).start();
}

class Shadow implements HostReceiver<Cluster>, PoolReceiver, ResponseDecoder {
  readonly #services: FilterServices;
  #cluster: Cluster;
  readonly #headers: RequestHeaders;
  readonly #body: readonly Buffer[];
  #host: Host | null = null;
  #encoder: RequestEncoder | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(services: FilterServices, cluster: Cluster, headers: RequestHeaders, body: readonly Buffer[]) {
    this.#services = services;
    this.#cluster = cluster;
    this.#headers = headers;
    this.#body = body;
  }

  start(): void {
    this.#cluster.choose({ hash: null, attempt: 0, avoid: [], hostSelectionAttempts: 1, authority: this.#headers.authority, originalDestination: '' }, this);
  }

  onHost(host: Host | null, of: Cluster): void {
    this.#cluster = of;
    if (!host || this.#cluster.breakers.default.full('requests')) return;
    this.#host = host;
    host.activeRequests += 1;
    host.requestsTotal += 1;
    this.#cluster.breakers.default.requests += 1;
    this.#cluster.count('upstream_rq_total');
    this.#timer = setTimeout(() => {
      this.#encoder?.reset('local_reset');
      this.#end();
    }, TIMEOUT_MILLISECONDS);
    const options = { downstreamProtocol: 'HTTP/1.1', breaker: this.#cluster.breakers.default, alpn: null, peer: { remoteAddress: '', identity: '', destination: '', keptSource: null } } as const;
    this.#services.upstream.request(this.#cluster, host, options, this, this);
  }

  onPoolReady(encoder: RequestEncoder): void {
    this.#encoder = encoder;
    const last = this.#body.length - 1;
    encoder.encodeHeaders(this.#headers, last < 0);
    this.#body.forEach((data, index) => encoder.encodeData(data, index === last));
  }

  onPoolFailure(): void {
    this.#end();
  }

  decode1xx(): void {
    return undefined;
  }

  decodeHeaders(headers: { status: number }, endStream: boolean): void {
    this.#cluster.count(`upstream_rq_${headers.status}`);
    if (endStream) this.#end();
  }

  decodeData(_data: Buffer, endStream: boolean): void {
    if (endStream) this.#end();
  }

  decodeTrailers(): void {
    this.#end();
  }

  onReset(): void {
    this.#end();
  }

  onBlocked(): void {
    return undefined; // the copy is bounded and already in memory
  }

  #end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (!this.#host) return;
    this.#host.activeRequests -= 1;
    this.#host = null;
    this.#cluster.breakers.default.requests -= 1;
  }
}
