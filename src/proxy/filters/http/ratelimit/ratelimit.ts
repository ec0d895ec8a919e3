// Global rate limits: a service counts requests by the descriptors of their routes and says which are over a limit (envoy.filters.http.ratelimit). Without an answer in time a request goes on,
// unless the configuration says otherwise.
import type { RateLimitConfig, RateLimitFilterConfig, RateLimitRouteConfig } from '../../../config/rate-limit-config.ts';
import { compileMutations, mutateResponse, type CompiledMutations } from '../../../route/header-mutations.ts';
import { filterOverrides, type SelectedRoute } from '../../../route/route-table.ts';
import { decodeRateLimitAnswer, encodeRateLimitQuestion, RATE_LIMIT_ERROR, RATE_LIMIT_METHOD, type LimitStatus, type RateLimitAnswer, type RateLimitDescriptor } from '../../../service-messages/rate-limit.ts';
import { setDynamicMetadata } from '../../../stream/create-stream-info.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { callGrpc } from '../../grpc-call.ts';
import { isResponseHeader } from '../../header-changes.ts';
import type { FilterServices } from '../../services.ts';
import { compileOnce, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';
import { compileRateLimits, type RequestFacts } from './descriptors.ts';

const METADATA = 'envoy.filters.http.ratelimit';
const HITS = 'envoy.ratelimit.hits_addend';
const RESOURCE_EXHAUSTED = 8;

type Config = RateLimitFilterConfig & { readonly name: string };

interface Shared { readonly config: Config; readonly services: FilterServices; readonly mutations: readonly CompiledMutations[] }

/** Makes the filter. */
export function rateLimitFilter(config: Config, services: FilterServices): HttpFilterInstance {
  const mutations = compileMutations({ requestAdd: [], requestRemove: [], responseAdd: config.responseAdd, responseRemove: [] });
  const shared: Shared = { config, services, mutations: mutations ? [mutations] : [] };
  return (callbacks, headers) => {
    const internal = headers.get('x-envoy-internal') === 'true';
    if (config.requestType !== 'both' && internal !== (config.requestType === 'internal')) return null;
    const selected = callbacks.route();
    if (selected?.route.config.action.kind !== 'route') return null;
    const overrides = filterOverrides(selected, config.name);
    const nearest = overrides.at(-1);
    if (nearest && 'disabled' in nearest) return null;
    const settings = nearest && nearest.kind === 'ratelimit' ? nearest : null;
    const facts: RequestFacts = { headers, info: callbacks.info, remoteIp: callbacks.remoteIp, sourceCluster: services.localCluster, destinationCluster: clusterOf(selected, headers) };
    const descriptors = limitsOf(selected, settings).flatMap((limits) => compileOnce(limits, compileRateLimits)).filter(({ stage }) => stage === config.stage).map((maker) => maker.make(facts)).filter((descriptor) => descriptor !== null);
    return descriptors.length === 0 ? null : new RateLimit(shared, callbacks, settings?.domain || config.domain, descriptors, facts.destinationCluster);
  };
}

function clusterOf({ route, cluster }: SelectedRoute, headers: RequestHeaders): string {
  const { action } = route.config;
  return action.kind === 'route' && action.clusterHeader !== null ? headers.get(action.clusterHeader) ?? '' : cluster?.config.name ?? '';
}

/** The lists that count: those of the filter's own settings, else the route's, with the virtual host's where the route has none or asks for them too. */
function limitsOf({ route }: SelectedRoute, settings: RateLimitRouteConfig | null): readonly (readonly RateLimitConfig[])[] {
  if (settings && settings.rateLimits.length > 0) return [settings.rateLimits];
  const { action } = route.config;
  const own = (action.kind === 'route' ? action.rateLimits : undefined) ?? [];
  const host = route.virtualHost.rateLimits ?? [];
  const mode = action.kind === 'route' && action.includeVirtualHostRateLimits === true ? 'include' : settings?.virtualHostLimits ?? 'override';
  if (mode === 'include') return [own, host];
  return mode === 'override' && own.length === 0 ? [host] : [own];
}

class RateLimit implements HttpFilter {
  readonly #shared: Shared;
  readonly #callbacks: StreamCallbacks;
  readonly #domain: string;
  readonly #descriptors: readonly RateLimitDescriptor[];
  readonly #cluster: string;
  #state: 'idle' | 'asking' | 'done' = 'idle';
  #waits = false;
  #cancel: (() => void) | null = null;
  #answer: RateLimitAnswer = RATE_LIMIT_ERROR;

  constructor(shared: Shared, callbacks: StreamCallbacks, domain: string, descriptors: readonly RateLimitDescriptor[], cluster: string) {
    this.#shared = shared;
    this.#callbacks = callbacks;
    this.#domain = domain;
    this.#descriptors = descriptors;
    this.#cluster = cluster;
  }

  decodeHeaders(): FilterStatus {
    const { config, services } = this.#shared;
    const hits = Number(this.#callbacks.info.filterState.get(HITS) ?? 0);
    const question = encodeRateLimitQuestion(this.#domain, this.#descriptors, Number.isInteger(hits) && hits > 0 && hits <= 0xffffffff ? hits : 0);
    this.#state = 'asking';
    const cancel = callGrpc(services, config.service, RATE_LIMIT_METHOD, question, (message) => this.#onAnswer(message ? decodeRateLimitAnswer(message) : RATE_LIMIT_ERROR));
    // It may have been answered at once, when nobody could be asked.
    if (!this.#isAsking()) return 'continue';
    this.#cancel = cancel;
    this.#waits = true;
    return 'stop';
  }

  #isAsking(): boolean {
    return this.#state === 'asking';
  }

  #onAnswer(answer: RateLimitAnswer): void {
    const { config } = this.#shared;
    const { info, requestHeaders } = this.#callbacks;
    this.#cancel = null;
    this.#state = 'done';
    this.#answer = answer;
    if (answer.metadata) setDynamicMetadata(info, METADATA, answer.metadata);
    this.#count(answer.code);
    if (answer.code === 'over_limit') {
      this.#refuse(answer);
      return;
    }
    if (answer.code === 'error' && config.failureModeDeny) {
      this.#callbacks.sendLocalReply({ status: config.statusOnError, body: '', details: 'rate_limiter_error', flag: 'RLSE' });
      return;
    }
    if (answer.code === 'error') this.#count('failure_mode_allowed');
    for (const { name, value } of answer.requestAdd) if (isResponseHeader(name, value)) requestHeaders.add(name, value);
    if (this.#waits) this.#callbacks.continueDecoding();
  }

  #refuse(answer: RateLimitAnswer): void {
    const { config, mutations } = this.#shared;
    const { info, requestHeaders } = this.#callbacks;
    this.#callbacks.sendLocalReply({
      status: config.limitedStatus, body: answer.body, details: 'request_rate_limited', flag: 'RL',
      ...(config.asResourceExhausted ? { grpcStatus: RESOURCE_EXHAUSTED } : {}),
      headers: config.disableXEnvoyRateLimitedHeader ? [] : [['x-envoy-ratelimited', 'true']],
      modify: (headers) => mutateResponse(mutations, headers, info, requestHeaders),
    });
  }

  /** Counts on the cluster that the request is meant for. */
  #count(what: string): void {
    const { config, services } = this.#shared;
    services.clusters.get(this.#cluster)?.count(`ratelimit.${config.statPrefix === '' ? '' : `${config.statPrefix}.`}${what}`);
  }

  encodeHeaders(headers: ResponseHeaders): void {
    const { responseAdd, statuses } = this.#answer;
    for (const { name, value } of responseAdd) if (isResponseHeader(name, value)) headers.add(name, value);
    if (this.#shared.config.xRateLimitHeaders) tellLimits(headers, statuses);
  }

  onDestroy(): void {
    this.#state = 'done';
    this.#cancel?.();
    this.#cancel = null;
  }
}

/** Headers of draft-polli-ratelimit-headers-03: the limit that is nearest to its end, and all quotas. */
function tellLimits(headers: HeaderMap, statuses: readonly LimitStatus[]): void {
  const [first, ...others] = statuses;
  if (!first) return;
  const nearest = others.reduce((best, status) => (status.remaining < best.remaining ? status : best), first);
  const quotas = statuses.filter(({ windowSeconds }) => windowSeconds > 0).map(({ requestsPerUnit, windowSeconds, name }) => `, ${requestsPerUnit};w=${windowSeconds}${/^[\x20-\x7e]+$/.test(name) ? `;name="${name.replaceAll(/["\\]/g, '\\$&')}"` : ''}`);
  headers.add('x-ratelimit-limit', `${nearest.requestsPerUnit}${quotas.join('')}`);
  headers.add('x-ratelimit-remaining', String(nearest.remaining));
  headers.add('x-ratelimit-reset', String(nearest.resetSeconds));
}
