// External authorization: a service is asked whether a request may go on, over gRPC or HTTP (envoy.filters.http.ext_authz). Without an answer the request is refused, unless
// the configuration says otherwise.
import type { CheckBodyConfig, ExtAuthzConfig, ExtAuthzRouteConfig } from '../../../config/ext-authz-config.ts';
import { compileMetadataMatch } from '../../../route/metadata-matcher.ts';
import { filterOverrides, type SelectedRoute } from '../../../route/route-table.ts';
import { CHECK_METHOD, decodeCheckAnswer, encodeCheckQuestion, type CheckAnswer, type CheckQuestion } from '../../../service-messages/authorization.ts';
import type { HeaderChange } from '../../../service-messages/header-change.ts';
import { setDynamicMetadata } from '../../../stream/create-stream-info.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { callGrpc } from '../../grpc-call.ts';
import { applyChange, ChangeRules, isResponseHeader } from '../../header-changes.ts';
import type { FilterServices } from '../../services.ts';
import type { HttpFilterInstance, StreamCallbacks } from '../api.ts';
import { checkQuestion, type CheckBody, type ToldHeaders } from './check-question.ts';
import { anyMatcher, HttpCheck } from './http-check.ts';
import { changeQuery } from './query-parameters.ts';

const METADATA = 'envoy.filters.http.ext_authz';
const FAILURE_ALLOWED = 'x-envoy-auth-failure-mode-allowed';
const NO_CHANGES: readonly HeaderChange[] = [];

/** What all streams share. */
interface Shared {
  readonly config: ExtAuthzConfig;
  readonly services: FilterServices;
  readonly told: ToldHeaders;
  readonly rules: ChangeRules;
  enabled(info: StreamInfo): boolean;
  ask(question: CheckQuestion, info: StreamInfo, done: (answer: CheckAnswer) => void): () => void;
  count(what: string): void;
}

type Config = ExtAuthzConfig & { readonly name: string };

/** Makes the filter; `statPrefix` is the connection manager's, with its dot. */
export function extAuthzFilter(config: Config, services: FilterServices, statPrefix: string): HttpFilterInstance {
  const shared = share(config, services, statPrefix);
  return (callbacks) => {
    const selected = callbacks.route();
    // Without a route there is nothing to guard.
    if (!selected) return null;
    const overrides = filterOverrides(selected, config.name);
    const nearest = overrides.at(-1);
    if (nearest && 'disabled' in nearest) return null;
    const settings = overrides.filter((override): override is ExtAuthzRouteConfig => 'kind' in override && override.kind === 'ext_authz');
    return new ExtAuthzFilter(shared, callbacks, selected, settings);
  };
}

function share(config: Config, services: FilterServices, statPrefix: string): Shared {
  const metadata = config.enabledMetadata ? compileMetadataMatch(config.enabledMetadata) : null;
  const stats = `${statPrefix}ext_authz.${config.statPrefix === '' ? '' : `${config.statPrefix}.`}`;
  const { service } = config;
  const http = service.kind === 'http' ? new HttpCheck(service, services) : null;
  return {
    config, services, rules: new ChangeRules(config.mutationRules, config.validateMutations),
    told: { allowed: config.allowedHeaders ? anyMatcher(config.allowedHeaders) : null, disallowed: config.disallowedHeaders.length > 0 ? anyMatcher(config.disallowedHeaders) : null },
    enabled: (info) => (config.enabledPerMillion >= 1_000_000 || services.random() * 1_000_000 < config.enabledPerMillion) && (metadata?.(info.dynamicMetadata) ?? true),
    ask: (question, info, done) => {
      if (http) return http.ask(question, info, done);
      if (service.kind !== 'grpc') throw new Error('an authorization service is asked over HTTP or gRPC');
      return callGrpc(services, service.grpc, CHECK_METHOD, encodeCheckQuestion(question), (message) => done(message ? decodeCheckAnswer(message) : { kind: 'error' }));
    },
    count: (what) => services.stats.counter(`${stats}${what}`).add(1),
  };
}

class ExtAuthzFilter implements HttpFilter {
  readonly #shared: Shared;
  readonly #callbacks: StreamCallbacks;
  readonly #selected: SelectedRoute;
  readonly #settings: readonly ExtAuthzRouteConfig[];
  #state: 'idle' | 'buffering' | 'asking' | 'done' = 'idle';
  #bodyConfig: CheckBodyConfig | null = null;
  #body: Buffer[] = [];
  #bytes = 0;
  /** Whether the request waits in the chain, so that it must be told to go on. */
  #waits = false;
  #holdsReading = false;
  #cancel: (() => void) | null = null;
  #askedAt = 0;
  #responseChanges = NO_CHANGES;

  constructor(shared: Shared, callbacks: StreamCallbacks, selected: SelectedRoute, settings: readonly ExtAuthzRouteConfig[]) {
    this.#shared = shared;
    this.#callbacks = callbacks;
    this.#selected = selected;
    this.#settings = settings;
  }

  decodeHeaders(headers: RequestHeaders, endStream: boolean): FilterStatus {
    const { config, enabled, count } = this.#shared;
    if (!enabled(this.#callbacks.info)) {
      count('disabled');
      if (!config.denyAtDisable) return 'continue';
      this.#refuse(config.statusOnError, 'ext_authz_error');
      return 'stop';
    }
    const own = this.#settings.at(-1);
    this.#bodyConfig = own?.disableBody ? null : own?.body ?? config.body;
    if (this.#bodyConfig && !endStream && headers.upgrade === '' && headers.method !== 'CONNECT') {
      this.#state = 'buffering';
      this.#waits = true;
      return 'stop_and_read';
    }
    this.#ask(null);
    if (this.#state === 'done') return 'continue';
    this.#waits = true;
    return 'stop';
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (this.#state !== 'buffering' || !this.#bodyConfig) return;
    const { maximumBytes, allowPartial } = this.#bodyConfig;
    this.#body.push(data);
    this.#bytes += data.length;
    if (!allowPartial && this.#bytes > maximumBytes) {
      this.#state = 'done';
      this.#callbacks.sendLocalReply({ status: 413, body: 'Payload Too Large', details: 'request_payload_too_large' });
      return;
    }
    if (endStream || (allowPartial && this.#bytes >= maximumBytes)) this.#askWithBody(maximumBytes, !endStream);
  }

  decodeTrailers(): void {
    if (this.#state === 'buffering' && this.#bodyConfig) this.#askWithBody(this.#bodyConfig.maximumBytes, false);
  }

  #askWithBody(maximumBytes: number, more: boolean): void {
    const data = Buffer.concat(this.#body, Math.min(this.#bytes, maximumBytes));
    this.#body = [];
    if (more) {
      this.#holdsReading = true;
      this.#callbacks.readDisable(true);
    }
    this.#ask({ data, partial: this.#bytes > maximumBytes });
  }

  #ask(body: CheckBody | null): void {
    const { config, told, ask, services } = this.#shared;
    const { info, requestHeaders } = this.#callbacks;
    const extensions = Object.assign({}, ...this.#settings.map(({ contextExtensions }) => contextExtensions)) as Record<string, string>;
    this.#state = 'asking';
    this.#askedAt = services.now();
    const cancel = ask(checkQuestion(config, told, info, requestHeaders, body, extensions), info, (answer) => this.#onAnswer(answer));
    if (this.#isAsking()) this.#cancel = cancel;
  }

  /** Apart, as the state changes while a call runs. */
  #isAsking(): boolean {
    return this.#state === 'asking';
  }

  #onAnswer(answer: CheckAnswer): void {
    this.#cancel = null;
    if (answer.kind === 'error') {
      this.#onError();
      return;
    }
    this.#takeMetadata(answer.metadata, answer.kind === 'ok');
    if (answer.kind === 'denied') this.#onDenied(answer);
    else this.#onAllowed(answer);
  }

  #takeMetadata(metadata: Readonly<Record<string, unknown>> | null, allowed: boolean): void {
    if (metadata === null || Object.keys(metadata).length === 0) return;
    if (!this.#shared.config.takesDynamicMetadata) {
      this.#shared.count('ignored_dynamic_metadata');
      return;
    }
    const duration = allowed ? { ext_authz_duration: Math.round(this.#shared.services.now() - this.#askedAt) } : {};
    setDynamicMetadata(this.#callbacks.info, METADATA, { ...metadata, ...duration });
  }

  #onAllowed(answer: Extract<CheckAnswer, { kind: 'ok' }>): void {
    const { config, rules } = this.#shared;
    const headers = this.#callbacks.requestHeaders;
    const { requestChanges, requestRemove, responseChanges, querySet, queryRemove } = answer;
    if (config.clearRouteCache && requestChanges.length + requestRemove.length + querySet.length + queryRemove.length > 0) this.#callbacks.clearRouteCache();
    for (const change of requestChanges) {
      const verdict = rules.set(change.name, change.value);
      if (verdict === 'fail') return this.#onInvalid();
      if (verdict === 'ok') applyChange(headers, change);
    }
    for (const name of requestRemove) {
      const verdict = rules.remove(name);
      if (verdict === 'fail') return this.#onInvalid();
      if (verdict === 'ok') headers.remove(name);
    }
    const good = responseChanges.filter(({ name, value }) => isResponseHeader(name, value));
    if (good.length < responseChanges.length && config.validateMutations) return this.#onInvalid();
    this.#responseChanges = good;
    if (querySet.length + queryRemove.length > 0) {
      const path = changeQuery(headers.path, querySet, queryRemove);
      if (path === null && config.validateMutations) return this.#onInvalid();
      if (path !== null) headers.path = path;
    }
    this.#countBoth('ok');
    this.#goOn();
  }

  #onDenied({ status, changes, body }: Extract<CheckAnswer, { kind: 'denied' }>): void {
    this.#countBoth('denied');
    const good = changes.filter(({ name, value }) => isResponseHeader(name, value));
    if (good.length < changes.length && this.#shared.config.validateMutations && this.#shared.config.service.kind === 'grpc') return this.#onInvalid();
    this.#refuse(status >= 200 && status <= 599 ? status : 403, 'ext_authz_denied', body, good);
  }

  #onError(): void {
    const { config } = this.#shared;
    this.#countBoth('error');
    if (!config.failureModeAllow) {
      this.#refuse(config.statusOnError, 'ext_authz_error');
      return;
    }
    this.#countBoth('failure_mode_allowed');
    if (config.failureModeAllowHeaderAdd) this.#callbacks.requestHeaders.add(FAILURE_ALLOWED, 'true');
    this.#goOn();
  }

  #onInvalid(): void {
    this.#shared.count('invalid');
    this.#refuse(500, 'ext_authz_invalid');
  }

  #refuse(status: number, details: string, body: string | Buffer = '', changes: readonly HeaderChange[] = NO_CHANGES): void {
    this.#state = 'done';
    this.#callbacks.sendLocalReply({
      status, body, details, flag: 'UAEX',
      // One name may come several times; together they replace what is there. The length is the body's own.
      modify: (headers) => {
        const grpc = headers.get('content-type') === 'application/grpc';
        // The type is that of a body.
        const kept = grpc || body.length === 0 ? changes.filter(({ name }) => name !== 'content-type' && !(grpc && name.startsWith('grpc-'))) : changes;
        for (const { name } of kept) headers.remove(name);
        for (const { name, value } of kept) headers.add(name, value);
      },
    });
  }

  #goOn(): void {
    this.#state = 'done';
    if (!this.#waits) return;
    if (this.#holdsReading) this.#callbacks.readDisable(false);
    this.#holdsReading = false;
    this.#callbacks.continueDecoding();
  }

  /** Counts for the filter and for the cluster that the request is meant for. */
  #countBoth(what: string): void {
    const { config, services, count } = this.#shared;
    count(what);
    const cluster = this.#selected.cluster?.config.name;
    if (cluster !== undefined) services.clusters.get(cluster)?.count(`ext_authz.${config.statPrefix === '' ? '' : `${config.statPrefix}.`}${what}`);
  }

  encodeHeaders(headers: ResponseHeaders): void {
    for (const change of this.#responseChanges) applyChange(headers, change);
  }

  onDestroy(): void {
    this.#state = 'done';
    this.#cancel?.();
    this.#cancel = null;
  }
}
