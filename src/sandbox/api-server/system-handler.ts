// Requests that are not about a resource: version, health, discovery, OpenAPI, the token issuer's keys.
import type { ServiceAccountTokens } from '../auth/index.ts';
import { aggregatedDiscovery, apiGroup, groupList, resourceList } from './discovery.ts';
import { NO_SNIFFING, type Exchange } from './exchange.ts';
import { healthText } from './health-checks.ts';
import { ApiStatusError } from './internal-client.ts';
import { OpenApiHandler } from './openapi/openapi-handler.ts';
import type { Registry } from './registry.ts';
import type { ServerMetrics } from './server-metrics.ts';
import { methodNotAllowed, NoSuchPage, noSuchPath } from './status.ts';
import { answerTagged } from './tagged-answer.ts';
import { KUBERNETES_VERSION } from './version.ts';

const VERSION = {
  major: '1', minor: '35', gitVersion: KUBERNETES_VERSION, emulationMajor: '1', emulationMinor: '35', minCompatibilityMajor: '1', minCompatibilityMinor: '34', gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: '', compiler: 'node', platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/** Documents that others may keep for a while, with their types. */
const CACHED: Readonly<Record<string, string>> = { '/openid/v1/jwks': 'application/jwk-set+json', '/.well-known/openid-configuration': 'application/json' };

/** Answers the paths outside of resources. */
export class SystemHandler {
  readonly #registry: Registry;
  readonly #tokens: ServiceAccountTokens;
  readonly #publicUrl: () => string;
  readonly #metrics: ServerMetrics;
  readonly #openApi: OpenApiHandler;
  readonly #cache = new Map<string, { generation: number; text: string }>();

  constructor(registry: Registry, tokens: ServiceAccountTokens, publicUrl: () => string, metrics: ServerMetrics) {
    this.#registry = registry;
    this.#tokens = tokens;
    this.#publicUrl = publicUrl;
    this.#metrics = metrics;
    this.#openApi = new OpenApiHandler(registry);
  }

  async handle(exchange: Exchange): Promise<void> {
    const { verb, path: asked, query } = exchange.info;
    const health = healthText(asked, query);
    if (health || /^\/(healthz|livez|readyz)\//.test(asked)) {
      if (!health) throw new NoSuchPage();
      exchange.text(200, 'text/plain; charset=utf-8', health.text, health.isWhole ? NO_SNIFFING : {});
      return;
    }
    const path = asked.replace(/(.)\/+$/, '$1');
    // The documents of OpenAPI answer whatever the method.
    if (verb !== 'get' && !path.startsWith('/openapi/')) throw this.#isKnown(path) ? methodNotAllowed() : new NoSuchPage();
    if (path === '/metrics') {
      const { type, text } = await this.#metrics.render();
      exchange.text(200, type, text);
    } else if (path.startsWith('/openapi/')) this.#openApi.handle(exchange, path);
    else if (path === '/api' || path === '/apis') this.#root(exchange, path);
    else this.#document(exchange, path);
  }

  #root(exchange: Exchange, path: string): void {
    const accept = (exchange.request.headers.accept ?? '').replaceAll(' ', '');
    const version = /g=apidiscovery\.k8s\.io;v=(v2);as=apigroupdiscoverylist/i.exec(accept)?.[1];
    // Who wants the aggregated form of another version, and nothing else, gets nothing.
    if (version === undefined && accept !== '' && accept.split(',').every((clause) => clause.includes(';as='))) throw new ApiStatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf');
    if (version !== undefined) {
      const text = this.#cached(`${path} ${version}`, () => aggregatedDiscovery(this.#registry, path === '/api', version));
      answerTagged(exchange, `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`, text, { 'cache-control': 'public' });
    } else if (path === '/api') exchange.json(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#publicUrl().replace('https://', '') }] });
    else exchange.json(200, groupList(this.#registry));
  }

  #document(exchange: Exchange, path: string): void {
    const parts = path.split('/').slice(1);
    const document = this.#fixed(path) ?? this.#groupDocument(parts);
    if (!document) throw parts[0] === 'api' || (parts[0] === 'apis' && this.#registry.isBuiltIn(parts[1] ?? '')) ? noSuchPath() : new NoSuchPage();
    if (CACHED[path]) exchange.text(200, CACHED[path], JSON.stringify(document), { 'cache-control': 'public, max-age=3600' });
    else exchange.json(200, document);
  }

  #isKnown(path: string): boolean {
    return path === '/api' || path === '/apis' || path === '/version' || path === '/metrics' || this.#groupDocument(path.split('/').slice(1)) !== undefined;
  }

  #fixed(path: string): object | undefined {
    switch (path) {
      case '/': return { paths: this.#paths() };
      case '/version': return VERSION;
      case '/openid/v1/jwks': return this.#tokens.keySet();
      case '/.well-known/openid-configuration': return { issuer: this.#tokens.issuer, jwks_uri: `${this.#publicUrl()}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] };
      default: return undefined;
    }
  }

  #paths(): string[] {
    const groups = [...new Set([...this.#registry.all()].flatMap((info) => info.versions.flatMap(({ name }) => (info.group === '' ? [`/api/${name}`] : [`/apis/${info.group}`, `/apis/${info.group}/${name}`]))))];
    return ['/.well-known/openid-configuration', '/api', '/apis', '/apis/', ...groups, '/healthz', '/healthz/etcd', '/healthz/log', '/healthz/ping', '/livez', '/livez/etcd', '/livez/log', '/livez/ping', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks', '/readyz', '/readyz/etcd', '/readyz/log', '/readyz/ping', '/readyz/shutdown', '/version'].sort();
  }

  #groupDocument(parts: readonly string[]): object | undefined {
    if (parts[0] === 'api' && parts.length === 2) return resourceList(this.#registry, '', parts[1] ?? '');
    if (parts[0] !== 'apis') return undefined;
    if (parts.length === 2) return apiGroup(this.#registry, parts[1] ?? '');
    return parts.length === 3 ? resourceList(this.#registry, parts[1] ?? '', parts[2] ?? '') : undefined;
  }

  #cached(key: string, build: () => object): string {
    const known = this.#cache.get(key);
    if (known?.generation === this.#registry.generation) return known.text;
    const text = JSON.stringify(build());
    this.#cache.set(key, { generation: this.#registry.generation, text });
    return text;
  }
}
