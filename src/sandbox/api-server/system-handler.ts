// Requests that are not about a resource: version, health, discovery, OpenAPI, the token issuer's keys.
import type { ServiceAccountTokens } from '../auth/index.ts';
import { aggregatedDiscovery, apiGroup, groupList, resourceList } from './discovery.ts';
import type { Exchange } from './exchange.ts';
import { ApiStatusError } from './internal-client.ts';
import { openApiIndex, openApiV2, openApiV3 } from './openapi.ts';
import type { Registry } from './registry.ts';
import { openApiV2Protobuf, OPENAPI_V2_PROTOBUF } from './openapi-protobuf.ts';
import { methodNotAllowed, NoSuchPage, noSuchPath } from './status.ts';
import { KUBERNETES_VERSION } from './version.ts';

const VERSION = {
  major: '1', minor: '35', gitVersion: KUBERNETES_VERSION, emulationMajor: '1', emulationMinor: '35', minCompatibilityMajor: '1', minCompatibilityMinor: '34', gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: '', compiler: 'node', platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/** Answers the paths outside of resources. */
export class SystemHandler {
  readonly #registry: Registry;
  readonly #tokens: ServiceAccountTokens;
  readonly #publicUrl: () => string;
  readonly #cache = new Map<string, { generation: number; text: string }>();

  constructor(registry: Registry, tokens: ServiceAccountTokens, publicUrl: () => string) {
    this.#registry = registry;
    this.#tokens = tokens;
    this.#publicUrl = publicUrl;
  }

  handle(exchange: Exchange): void {
    if (exchange.info.verb !== 'get' && exchange.info.verb !== 'head') throw exchange.info.path.startsWith('/api') ? methodNotAllowed() : new NoSuchPage();
    const path = exchange.info.path.replace(/(.)\/+$/, '$1');
    if (/^\/(healthz|livez|readyz)(\/[\w-]+)?$/.test(path)) {
      exchange.text(200, 'text/plain; charset=utf-8', exchange.info.query.has('verbose') ? `[+]ping ok\n${path.slice(1)} check passed\n` : 'ok');
      return;
    }
    if (path.startsWith('/openapi/')) this.#openApi(exchange, path);
    else if (path === '/api' || path === '/apis') this.#root(exchange, path);
    else this.#document(exchange, path);
  }

  #root(exchange: Exchange, path: string): void {
    const version = /g=apidiscovery\.k8s\.io;v=(v2beta1|v2);as=apigroupdiscoverylist/i.exec((exchange.request.headers.accept ?? '').replaceAll(' ', ''))?.[1];
    if (version !== undefined) {
      const text = this.#cached(`${path} ${version}`, () => aggregatedDiscovery(this.#registry, path === '/api', version));
      exchange.text(200, `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`, text);
    } else if (path === '/api') exchange.json(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#publicUrl().replace('https://', '') }] });
    else exchange.json(200, groupList(this.#registry));
  }

  #document(exchange: Exchange, path: string): void {
    const parts = path.split('/').slice(1);
    const document = this.#fixed(path) ?? this.#groupDocument(parts);
    if (!document) throw parts[0] === 'api' || (parts[0] === 'apis' && this.#registry.isBuiltIn(parts[1] ?? '')) ? noSuchPath() : new NoSuchPage();
    exchange.json(200, document);
  }

  #fixed(path: string): object | undefined {
    switch (path) {
      case '/': return { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] };
      case '/version': return VERSION;
      case '/openid/v1/jwks': return this.#tokens.keySet();
      case '/.well-known/openid-configuration': return { issuer: this.#tokens.issuer, jwks_uri: `${this.#publicUrl()}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] };
      default: return undefined;
    }
  }

  #groupDocument(parts: readonly string[]): object | undefined {
    if (parts[0] === 'api' && parts.length === 2) return resourceList(this.#registry, '', parts[1] ?? '');
    if (parts[0] !== 'apis') return undefined;
    if (parts.length === 2) return apiGroup(this.#registry, parts[1] ?? '');
    return parts.length === 3 ? resourceList(this.#registry, parts[1] ?? '', parts[2] ?? '') : undefined;
  }

  #openApi(exchange: Exchange, path: string): void {
    const { accept = '' } = exchange.request.headers;
    if (path === '/openapi/v2' && accept.startsWith(OPENAPI_V2_PROTOBUF)) {
      exchange.text(200, OPENAPI_V2_PROTOBUF.replace('@', '.'), openApiV2Protobuf());
      return;
    }
    // Clients that insist on protobuf have to ask again for JSON.
    if (accept !== '' && !/json|\*\/\*/.test(accept)) throw new ApiStatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json');
    if (path === '/openapi/v2') {
      exchange.text(200, 'application/json', this.#cached(path, () => openApiV2(this.#registry)));
      return;
    }
    if (path === '/openapi/v3') {
      exchange.json(200, openApiIndex(this.#registry));
      return;
    }
    const parts = path.split('/').slice(3);
    const [group, version] = parts[0] === 'api' ? ['', parts[1] ?? ''] : [parts[1] ?? '', parts[2] ?? ''];
    const text = this.#cached(path, () => openApiV3(this.#registry, group, version) ?? {});
    if (text === '{}') throw noSuchPath();
    exchange.text(200, 'application/json', text);
  }

  #cached(key: string, build: () => object): string {
    const known = this.#cache.get(key);
    if (known?.generation === this.#registry.generation) return known.text;
    const text = JSON.stringify(build());
    this.#cache.set(key, { generation: this.#registry.generation, text });
    return text;
  }
}
