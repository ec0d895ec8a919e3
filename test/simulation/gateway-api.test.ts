// What proxies do with requests under the Gateway API: YAML in, the proxy's own choice of cluster or answer out.
import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { compileCluster } from '../../src/proxy/config/cluster.ts';
import { createTranslator } from '../../src/mesh/index.ts';
import { CLASS_YAML, objectsOf, resourcesOf } from '../../src/mesh/gateway-api/testdata/bind.ts';
import { gatewayProxy, matchRoute, routed, selectedRoute, sidecarProxy, snapshotOf, type TestRequest } from './gateway-api-traffic.ts';

const API = 'apiVersion: gateway.networking.k8s.io/v1';
const cluster = (name: string, namespace = 'default', port = 80): string => `outbound|${port}||${name}.${namespace}.svc.cluster.local`;

function service(name: string, namespace = 'default', ports = '{name: http, port: 80}'): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {clusterIP: 10.1.0.1, ports: [${ports}]}\n---\n`;
}

function gateway(listeners: string, rest = ''): string {
  return `${API}\nkind: Gateway\nmetadata: {name: web}\nspec: {gatewayClassName: istio, listeners: [${listeners}]${rest}}\n---\n${['a', 'b', 'c'].map((name) => service(name)).join('')}`;
}

function route(name: string, spec: string, kind = 'HTTPRoute', created = '2026-01-01T00:00:00Z', namespace = 'default'): string {
  return `${API}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}, creationTimestamp: "${created}"}\nspec: {${spec}}\n---\n`;
}

const PARENT = 'parentRefs: [{name: web}]';
const HTTP = '{name: http, port: 80, protocol: HTTP}';
const to = (name: string): string => `backendRefs: [{name: ${name}, port: 80}]`;
const CERTIFICATES = { secrets: new Map([['default/cert', { type: 'kubernetes.io/tls', keyPair: 'valid' as const }]]), configMaps: new Map([['default/ca', { caCertificates: 'PEM' }]]) };

function edge(yaml: string): (request: Partial<TestRequest>) => string {
  const snapshot = snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`), CERTIFICATES));
  return (request) => routed(snapshot, gatewayProxy('web'), { port: 80, ...request });
}

describe('HTTP matches', () => {
  it('take whole elements of a path', () => {
    const ask = edge(gateway(HTTP) + route('r', `${PARENT}, rules: [{matches: [{path: {value: /foo/}}], ${to('a')}}, {matches: [{path: {type: Exact, value: /bar}}], ${to('b')}}]`));
    expect(['/foo', '/foo/', '/foo/x', '/foobar', '/bar', '/bar/', '/'].map((path) => ask({ path }))).toEqual([cluster('a'), cluster('a'), cluster('a'), 'status 404', cluster('b'), 'status 404', 'status 404']);
  });

  it('go from the most to the least specific, whatever the order of rules and routes', () => {
    const rules = [
      `{${to('c')}}`, `{matches: [{path: {value: /long}}], ${to('b')}}`, `{matches: [{path: {value: /long/er}}], ${to('a')}}`, `{matches: [{path: {type: Exact, value: /long/er/exact}}], ${to('b')}}`,
      `{matches: [{path: {value: /long}, headers: [{name: X, value: "1"}]}], ${to('c')}}`, `{matches: [{path: {value: /long}, method: POST}], ${to('a')}}`,
    ];
    const ask = edge(gateway(HTTP) + rules.map((rule, index) => route(`r${index}`, `${PARENT}, rules: [${rule}]`)).join(''));
    expect([
      ask({ path: '/x' }), ask({ path: '/long/x' }), ask({ path: '/long/er' }), ask({ path: '/long/er/exact' }), ask({ path: '/long/x', headers: { x: '1' } }), ask({ path: '/long/x', headers: { x: '1' }, method: 'POST' }),
    ]).toEqual([cluster('c'), cluster('b'), cluster('a'), cluster('b'), cluster('c'), cluster('a')]);
  });

  it('prefer the older route, then the first name', () => {
    const rules = (name: string): string => `${PARENT}, rules: [{${to(name)}}]`;
    expect(edge(gateway(HTTP) + route('x', rules('a'), 'HTTPRoute', '2026-02-01T00:00:00Z') + route('y', rules('b')))({})).toBe(cluster('b'));
    expect(edge(gateway(HTTP) + route('y', rules('b')) + route('x', rules('a')))({})).toBe(cluster('a'));
  });

  it('ask for headers, methods and query parameters', () => {
    const match = '{headers: [{name: Version, value: two}, {name: version, value: ignored}], queryParams: [{name: animal, value: whale}], method: PUT}';
    const ask = edge(gateway(HTTP) + route('r', `${PARENT}, rules: [{matches: [${match}], ${to('a')}}]`));
    const good = { headers: { version: 'two' }, path: '/?animal=whale', method: 'PUT' };
    expect([ask(good), ask({ ...good, headers: {} }), ask({ ...good, path: '/?animal=dog' }), ask({ ...good, method: 'GET' })]).toEqual([cluster('a'), 'status 404', 'status 404', 'status 404']);
  });

  it('of a narrower hostname come first, and those of wider ones after them', () => {
    const ask = edge(gateway(HTTP) + route('wide', `${PARENT}, hostnames: ["*.x.com"], rules: [{matches: [{path: {value: /wide}}], ${to('a')}}, {matches: [{path: {value: /both/deep}}], ${to('a')}}]`)
      + route('narrow', `${PARENT}, hostnames: [n.x.com], rules: [{matches: [{path: {value: /both}}], ${to('b')}}]`));
    expect([ask({ host: 'n.x.com', path: '/both/deep' }), ask({ host: 'n.x.com', path: '/wide' }), ask({ host: 'm.x.com', path: '/both/deep' }), ask({ host: 'm.x.com', path: '/both' }), ask({ host: 'x.com', path: '/wide' })])
      .toEqual([cluster('b'), cluster('a'), cluster('a'), 'status 404', 'status 404']);
  });
});

describe('GRPCRoute', () => {
  it('matches service and method, and tells clients that a backend is unavailable', () => {
    const rule = (match: string, backend: string): string => `{matches: [{method: ${match}}], ${backend}}`;
    const ask = edge(gateway(HTTP) + route('g', `${PARENT}, rules: [${[rule('{service: s.A, method: M}', to('a')), rule('{service: s.A}', to('b')), rule('{method: Other}', to('c')), rule('{type: RegularExpression, service: "s\\\\.[XY]"}', to('c')), rule('{service: s.None}', 'backendRefs: []')].join(', ')}]`, 'GRPCRoute'));
    expect(['/s.A/M', '/s.A/N', '/s.A/Other', '/s.B/Other', '/s.X/M', '/s.B/M', '/s.None/M'].map((path) => ask({ path, method: 'POST' }))).toEqual([cluster('a'), cluster('b'), cluster('b'), cluster('c'), cluster('c'), 'status 404', 'status 503']);
  });
});

describe('backends', () => {
  it('that can not be used keep their share as errors', () => {
    const rules = (backends: string): string => `${PARENT}, rules: [{backendRefs: [${backends}]}]`;
    const ask = (backends: string): string => edge(gateway(HTTP) + route('r', rules(backends)))({});
    expect(ask('{name: nobody, port: 80, weight: 1}, {name: a, port: 80, weight: 3}')).toBe('MissingBackend status 500');
    expect(ask('{name: nobody, port: 80}')).toBe('status 500');
    expect(ask('{name: nobody, port: 80, weight: 0}, {name: a, port: 80}')).toBe(cluster('a'));
    expect(ask('{name: a, port: 80, weight: 0}')).toBe('status 500');
    expect(ask('')).toBe('status 500');
  });

  it('share by weight, with header changes of their own', () => {
    const yaml = gateway(HTTP) + route('r', `${PARENT}, rules: [{backendRefs: [{name: a, port: 80, weight: 7, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-B, value: 10%}]}}]}, {name: b, port: 80, weight: 3}]}]`);
    const selected = selectedRoute(snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`))), gatewayProxy('web'), { port: 80 });
    if (typeof selected === 'string' || selected.route.config.action.kind !== 'route') throw new Error('no route');
    expect(selected.route.config.action.clusters.map(({ name, weight, headerMutations }) => [name, weight, headerMutations.requestAdd.map(({ value }) => value)])).toEqual([[cluster('a'), 7, ['10%%']], [cluster('b'), 3, []]]);
  });
});

describe('filters', () => {
  it.each([
    { what: 'the prefix', filter: '{path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}', paths: { '/old': '302 http://example.com/new', '/old/': '302 http://example.com/new/', '/old/x?y=1': '302 http://example.com/new/x?y=1' } },
    { what: 'the prefix by nothing', filter: '{path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}', paths: { '/old': '302 http://example.com/', '/old/x': '302 http://example.com/x' } },
    { what: 'the whole path', filter: '{path: {type: ReplaceFullPath, replaceFullPath: /all}, statusCode: 308}', paths: { '/old/x': '308 http://example.com/all' } },
    { what: 'the host', filter: '{hostname: other.com}', paths: { '/old': '302 http://other.com/old' } },
    { what: 'the scheme, whose port is the default one', filter: '{scheme: https, statusCode: 301}', paths: { '/old': '301 https://example.com/old' } },
    { what: 'scheme and port', filter: '{scheme: https, port: 8443}', paths: { '/old': '302 https://example.com:8443/old' } },
    { what: 'the port', filter: '{port: 8080}', paths: { '/old': '302 http://example.com:8080/old' } },
  ])('redirect: change $what', ({ filter, paths }) => {
    const ask = edge(gateway(HTTP) + route('r', `${PARENT}, rules: [{matches: [{path: {value: /old}}], filters: [{type: RequestRedirect, requestRedirect: ${filter}}]}]`));
    for (const [path, location] of Object.entries(paths)) expect(ask({ path })).toBe(location);
  });

  it('keep the port of a listener in redirects that name none', () => {
    const ask = edge(gateway('{name: http, port: 8080, protocol: HTTP}') + route('r', `${PARENT}, rules: [{filters: [{type: RequestRedirect, requestRedirect: {hostname: other.com}}]}]`));
    expect(ask({ port: 8080, host: 'example.com:1234' })).toBe('302 http://other.com:8080/');
  });

  it.each([
    { match: '/old', change: '{type: ReplacePrefixMatch, replacePrefixMatch: /new}', paths: { '/old/x': ' /new/x', '/old': ' /new' } },
    { match: '/old', change: '{type: ReplacePrefixMatch, replacePrefixMatch: ""}', paths: { '/old/x': ' /x', '/old': ' /' } },
    { match: '/', change: '{type: ReplacePrefixMatch, replacePrefixMatch: /new}', paths: { '/x': ' /new/x' } },
    { match: '/', change: '{type: ReplacePrefixMatch, replacePrefixMatch: /}', paths: { '/x': '' } },
    { match: '/old', change: '{type: ReplaceFullPath, replaceFullPath: /all}', paths: { '/old/x?y=1': ' /all?y=1' } },
  ])('rewrite $match by $change', ({ match, change, paths }) => {
    const ask = edge(gateway(HTTP) + route('r', `${PARENT}, rules: [{matches: [{path: {value: ${match}}}], filters: [{type: URLRewrite, urlRewrite: {path: ${change}}}], ${to('a')}}]`));
    for (const [path, rewritten] of Object.entries(paths)) expect(ask({ path })).toBe(`${cluster('a')}${rewritten}`);
  });

  it('change headers and host, copy requests, limit times and answer other origins', () => {
    const filters = [
      '{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: S, value: s}], add: [{name: A, value: a}], remove: [R]}}', '{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: T, value: t}]}}',
      '{type: URLRewrite, urlRewrite: {hostname: inner.test}}', '{type: RequestMirror, requestMirror: {backendRef: {name: b, port: 80}, fraction: {numerator: 1, denominator: 4}}}', '{type: RequestMirror, requestMirror: {backendRef: {name: c, port: 80}}}',
      '{type: CORS, cors: {allowOrigins: ["https://*.bar.com"], allowMethods: [GET, PUT], allowCredentials: true, maxAge: 60}}',
    ];
    const yaml = gateway(HTTP) + route('r', `${PARENT}, rules: [{name: named, filters: [${filters.join(', ')}], ${to('a')}, timeouts: {request: 500ms, backendRequest: 100ms}}]`);
    const selected = selectedRoute(snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`))), gatewayProxy('web'), { port: 80 });
    if (typeof selected === 'string') throw new Error(selected);
    const { config } = selected.route;
    expect(config).toMatchObject({
      name: 'default.r.named',
      headerMutations: { requestAdd: [{ name: 's', value: 's', action: 'overwrite' }, { name: 'a', value: 'a', action: 'append' }], requestRemove: ['r'], responseAdd: [{ name: 't', value: 't' }] },
      action: {
        timeoutMilliseconds: 500, hostRewrite: { kind: 'literal', value: 'inner.test' }, retryPolicy: { retries: 0, perTryTimeoutMilliseconds: 100 },
        mirrors: [{ cluster: cluster('b'), perMillion: 250_000 }, { cluster: cluster('c'), perMillion: 1_000_000 }],
      },
      perFilter: { 'envoy.filters.http.cors': { allowOrigins: [{ kind: 'regex', regex: 'https://[^:/]+\\.bar\\.com' }], allowMethods: 'GET,PUT', maxAge: '60', allowCredentials: true, forwardNotMatchingPreflights: false } },
    });
  });
});

describe('listeners', () => {
  it('keep requests from the routes of less specific ones on their port', () => {
    const listeners = `${HTTP}, {name: wild, port: 80, protocol: HTTP, hostname: "*.x.com"}, {name: one, port: 80, protocol: HTTP, hostname: a.x.com}`;
    const own = (section: string, name: string): string => route(`r-${section}`, `parentRefs: [{name: web, sectionName: ${section}}], rules: [{matches: [{path: {value: /${section}}}], ${to(name)}}]`);
    const ask = edge(gateway(listeners) + own('http', 'a') + own('wild', 'b'));
    const table = ['y.com', 'b.x.com', 'a.x.com'].map((host) => ['/http', '/wild'].map((path) => ask({ host, path })));
    expect(table).toEqual([[cluster('a'), 'status 404'], ['status 404', cluster('b')], ['status 404', 'status 404']]);
  });

  it('do not serve hosts of their routes that belong to a more specific one', () => {
    const ask = edge(gateway(`${HTTP}, {name: one, port: 80, protocol: HTTP, hostname: a.x.com}`) + route('r', `parentRefs: [{name: web, sectionName: http}], hostnames: [a.x.com, b.x.com], rules: [{${to('a')}}]`));
    expect([ask({ host: 'a.x.com' }), ask({ host: 'b.x.com' })]).toEqual(['status 404', cluster('a')]);
  });

  const tls = 'tls: {certificateRefs: [{name: cert}]}';
  it('of HTTPS are chosen by server name, and tell requests for others apart', () => {
    const ask = edge(gateway(`{name: all, port: 443, protocol: HTTPS, ${tls}}, {name: one, port: 443, protocol: HTTPS, hostname: a.com, ${tls}}`)
      + route('all', `parentRefs: [{name: web, sectionName: all}], hostnames: [b.com], rules: [{${to('b')}}]`) + route('one', `parentRefs: [{name: web, sectionName: one}], rules: [{${to('a')}}]`));
    const on = (sni: string) => (host: string): string => ask({ port: 443, sni, host });
    expect([on('a.com')('a.com'), on('a.com')('b.com'), on('b.com')('a.com'), on('b.com')('b.com'), on('b.com')('c.com')]).toEqual([cluster('a'), 'status 421', 'status 421', cluster('b'), 'status 404']);
    expect(ask({ port: 443, host: 'a.com' })).toBe('refused');
  });

  it('of TLS pass through or end it, side by side, each name to its route', () => {
    const ask = edge(gateway(`{name: end, port: 443, protocol: TLS, hostname: "*.end.com", ${tls}}, {name: pass, port: 443, protocol: TLS, hostname: "*.pass.com", tls: {mode: Passthrough}}`)
      + route('end', `${PARENT}, hostnames: [a.end.com], rules: [{${to('a')}}]`, 'TLSRoute') + route('late', `${PARENT}, hostnames: ["*.end.com"], rules: [{${to('c')}}]`, 'TLSRoute', '2026-02-01T00:00:00Z')
      + route('pass', `${PARENT}, hostnames: [a.pass.com], rules: [{backendRefs: [{name: b, port: 80, weight: 1}, {name: nobody, port: 80, weight: 1}]}]`, 'TLSRoute'));
    expect(['a.end.com', 'b.end.com', 'a.pass.com', 'b.pass.com', 'else.com'].map((sni) => ask({ port: 443, sni }))).toEqual([
      `terminated tcp ${cluster('a')}`, `terminated tcp ${cluster('c')}`, `tcp ${cluster('b')}@1 MissingBackend@1`, 'refused', 'refused']);
  });

  it('of TCP have the oldest route', () => {
    const ask = edge(gateway('{name: tcp, port: 9000, protocol: TCP}') + route('young', `${PARENT}, rules: [{${to('b')}}]`, 'TCPRoute', '2026-02-01T00:00:00Z') + route('old', `${PARENT}, rules: [{${to('a')}}]`, 'TCPRoute'));
    expect(ask({ port: 9000 })).toBe(`tcp ${cluster('a')}`);
  });

  it('serve the proxies of their own Gateway in its own namespace only', () => {
    const snapshot = snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${gateway(HTTP)}${route('r', `${PARENT}, rules: [{${to('a')}}]`)}`)));
    expect([routed(snapshot, gatewayProxy('other'), { port: 80 }), routed(snapshot, gatewayProxy('web', 'else'), { port: 80 })]).toEqual(['refused', 'refused']);
  });
});

describe('the protocol of backends', () => {
  it('is HTTP/1.1 for a gateway where the port declares none, HTTP/2 where a GRPCRoute leads to it, and the declared one else', () => {
    const ports = '{name: plain, port: 80}, {name: calls, port: 81}, {name: h2, port: 82, appProtocol: kubernetes.io/h2c}, {name: ws, port: 83, appProtocol: kubernetes.io/ws}';
    const yaml = `${gateway(HTTP)}${service('p', 'default', ports)}${route('g', `${PARENT}, rules: [{backendRefs: [{name: p, port: 81}]}]`, 'GRPCRoute')}`;
    const snapshot = snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`)));
    const protocols = [80, 81, 82, 83].map((port) => {
      const [resource] = createTranslator().generate(snapshot, gatewayProxy('web'), TYPE_URLS.cluster, [cluster('p', 'default', port)]);
      const compiled = resource && compileCluster(Cluster.decode(resource.encode()));
      return compiled?.ok ? compiled.value.protocol.http : undefined;
    });
    expect(protocols).toEqual(['http1', 'http2', 'http2', 'http1']);
  });
});

describe('TLS to backends', () => {
  const policy = `${API}\nkind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {targetRefs: [{group: "", kind: Service, name: a}], validation: {hostname: a.internal, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}\n---\n`;
  const yaml = gateway(HTTP, ', tls: {backend: {clientCertificateRef: {name: cert}}}') + route('r', `${PARENT}, rules: [{${to('a')}}]`) + policy;

  function tlsOf(proxy: ReturnType<typeof gatewayProxy>) {
    const snapshot = snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`), CERTIFICATES));
    const [resource] = createTranslator().generate(snapshot, proxy, TYPE_URLS.cluster, [cluster('a')]);
    if (!resource) throw new Error('no cluster');
    const compiled = compileCluster(Cluster.decode(resource.encode()));
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    return compiled.value.defaultTls;
  }

  it('is spoken by gateways as the policy says, with their own certificate', () => {
    expect(tlsOf(gatewayProxy('web'))).toMatchObject({ sni: 'a.internal', certificateSecretName: 'kubernetes-gateway://default/cert', validation: { trustedCaPem: 'PEM', subjectAltNames: [{ type: 'dns', match: { kind: 'exact', value: 'a.internal' } }] } });
    expect(tlsOf(gatewayProxy('other'))).toMatchObject({ sni: 'a.internal', certificateSecretName: null });
  });

  it('does not concern sidecars, which have mutual TLS', () => {
    expect(tlsOf(sidecarProxy('default'))?.sni).not.toBe('a.internal');
  });
});

describe('routes of Services', () => {
  const services = service('a', 'shop', '{name: http, port: 80}, {name: http-alt, port: 8080}') + service('b', 'shop');
  const bound = (name: string, backend: string, namespace = 'shop', parent = ''): string => route(name, `parentRefs: [{group: "", kind: Service, name: a, namespace: shop${parent}}], rules: [{matches: [{path: {value: /x}}], backendRefs: [{name: ${backend}, namespace: shop, port: 80}]}]`, 'HTTPRoute', '2026-01-01T00:00:00Z', namespace);

  function ask(yaml: string, namespace: string, port = 80, path = '/x'): string {
    const selected = matchRoute(snapshotOf(resourcesOf(objectsOf(`${CLASS_YAML}---\n${services}${yaml}`))), sidecarProxy(namespace), String(port), { port, host: 'a.shop', path });
    return typeof selected === 'string' ? selected : selected.cluster?.config.name ?? '';
  }

  it('hold for every client when they are of the service\'s own namespace', () => {
    const yaml = bound('r', 'b');
    expect([ask(yaml, 'shop'), ask(yaml, 'client'), ask(yaml, 'client', 8080), ask(yaml, 'client', 80, '/y')]).toEqual([cluster('b', 'shop'), cluster('b', 'shop'), cluster('b', 'shop'), 'status 404']);
  });

  it('leave ports alone that they do not name', () => {
    const yaml = bound('r', 'b', 'shop', ', port: 80');
    expect([ask(yaml, 'client'), ask(yaml, 'client', 8080), ask(yaml, 'client', 8080, '/y')]).toEqual([cluster('b', 'shop'), cluster('a', 'shop', 8080), cluster('a', 'shop', 8080)]);
  });

  it('of a client\'s namespace hold there only, in place of the service\'s own', () => {
    const yaml = bound('producer', 'a') + bound('consumer', 'b', 'client', ', port: 80');
    expect([ask(yaml, 'client'), ask(yaml, 'client', 8080), ask(yaml, 'shop'), ask(yaml, 'else')]).toEqual([cluster('b', 'shop'), cluster('a', 'shop'), cluster('a', 'shop'), cluster('a', 'shop')]);
  });
});
