// What the webhook lets in and keeps out, kind by kind: the spec, and the paths that errors (or warnings, marked `~`) name.
import { describe, expect, it } from 'vitest';
import { ISTIO_KINDS } from './istio-kinds.ts';

type Case = readonly [name: string, spec: unknown, paths: readonly string[]];

const route = { route: [{ destination: { host: 'reviews' } }] };
const http = { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] };

const CASES: Readonly<Record<string, readonly Case[]>> = {
  VirtualService: [
    ['a plain route', { hosts: ['reviews'], http: [route] }, []],
    ['no route at all', { hosts: ['reviews'] }, ['spec']],
    ['the host * for the mesh', { hosts: ['*'], http: [route] }, ['spec.hosts[0]']],
    ['the host * on a gateway', { hosts: ['*'], gateways: ['gw'], http: [route] }, []],
    ['a host given twice', { hosts: ['a.b', 'a.b'], http: [route] }, ['spec.hosts[1]']],
    ['two actions', { hosts: ['a.b'], http: [{ ...route, redirect: { uri: '/' } }] }, ['spec.http[0]']],
    ['no action', { hosts: ['a.b'], http: [{}] }, ['spec.http[0]']],
    ['a negative weight', { hosts: ['a.b'], http: [{ route: [{ destination: { host: 'a' }, weight: -1 }, { destination: { host: 'b' }, weight: 1 }] }] }, ['spec.http[0].route[0].weight']],
    ['weights of 0', { hosts: ['a.b'], http: [{ route: [{ destination: { host: 'a' } }, { destination: { host: 'b' }, weight: 0 }] }] }, ['spec.http[0].route']],
    ['a bad timeout', { hosts: ['a.b'], http: [{ ...route, timeout: 'soon' }] }, ['spec.http[0].timeout']],
    ['a percentage over 100', { hosts: ['a.b'], http: [{ ...route, fault: { delay: { fixedDelay: '1s', percentage: { value: 101 } } } }] }, ['spec.http[0].fault.delay.percentage.value']],
    ['an abort status out of range', { hosts: ['a.b'], http: [{ ...route, fault: { abort: { httpStatus: 700 } } }] }, ['spec.http[0].fault.abort.httpStatus']],
    ['an unknown retry condition', { hosts: ['a.b'], http: [{ ...route, retries: { attempts: 1, retryOn: '5xx,503,maybe' } }] }, ['spec.http[0].retries.retryOn']],
    ['an empty prefix', { hosts: ['a.b'], http: [{ match: [{ uri: { prefix: '' } }], ...route }] }, ['spec.http[0].match[0].uri.prefix']],
    ['look-ahead in a regular expression', { hosts: ['a.b'], http: [{ match: [{ uri: { regex: '(?=a)' } }], ...route }] }, ['spec.http[0].match[0].uri.regex']],
    ['a pseudo header', { hosts: ['a.b'], http: [{ ...route, headers: { request: { set: { ':path': '/' } } } }] }, ['spec.http[0].headers.request']],
    ['a port out of range', { hosts: ['a.b'], http: [{ route: [{ destination: { host: 'a', port: { number: 70000 } } }] }] }, ['spec.http[0].route[0].destination.port.number']],
    ['a server name outside the hosts', { hosts: ['a.b'], tls: [{ match: [{ sniHosts: ['c.d'] }], route: [{ destination: { host: 'a' } }] }] }, ['spec.tls[0].match[0].sniHosts']],
    ['a delegate with gateways', { gateways: ['gw'], http: [route] }, ['spec.gateways']],
    ['a route behind one that takes everything', { hosts: ['a.b'], http: [route, route] }, ['~spec.http[1]']],
    ['exportTo * with more', { hosts: ['a.b'], http: [route], exportTo: ['*', 'x'] }, ['spec.exportTo']],
  ],
  DestinationRule: [
    ['subsets', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }, []],
    ['a subset given twice', { host: 'reviews', subsets: [{ name: 'v1' }, { name: 'v1' }] }, ['spec.subsets[1].name']],
    ['no hash key', { host: 'r', trafficPolicy: { loadBalancer: { consistentHash: {} } } }, ['spec.trafficPolicy.loadBalancer.consistentHash']],
    ['a table size that is no prime', { host: 'r', trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 100 } } } } }, ['spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize']],
    ['MUTUAL without a certificate', { host: 'r', trafficPolicy: { tls: { mode: 'MUTUAL' } } }, ['spec.trafficPolicy.tls']],
    ['ISTIO_MUTUAL with one', { host: 'r', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', clientCertificate: '/c' } } }, ['spec.trafficPolicy.tls']],
    ['shares that do not add up', { host: 'r', trafficPolicy: { loadBalancer: { localityLbSetting: { distribute: [{ from: 'a', to: { a: 50 } }] } } } }, ['spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to']],
    ['port settings without a port', { host: 'r', trafficPolicy: { portLevelSettings: [{}] } }, ['spec.trafficPolicy.portLevelSettings[0].port.number']],
    ['a negative limit', { host: 'r', trafficPolicy: { connectionPool: { tcp: { maxConnections: -1 } } } }, ['spec.trafficPolicy.connectionPool.tcp.maxConnections']],
  ],
  Gateway: [
    ['HTTP', { selector: { a: 'b' }, servers: [http] }, []],
    ['no server', { selector: { a: 'b' } }, ['spec.servers']],
    ['no selector', { servers: [http] }, ['~spec.selector']],
    ['a port of the proxy\'s own', { selector: { a: 'b' }, servers: [{ ...http, port: { number: 15021, name: 'h', protocol: 'HTTP' } }] }, ['spec.servers[0].port.number']],
    ['HTTPS without TLS', { selector: { a: 'b' }, servers: [{ ...http, port: { number: 443, name: 'h', protocol: 'HTTPS' } }] }, ['spec.servers[0].tls']],
    ['HTTPS without a certificate', { selector: { a: 'b' }, servers: [{ port: { number: 443, name: 'h', protocol: 'HTTPS' }, hosts: ['*'], tls: { mode: 'SIMPLE' } }] }, ['spec.servers[0].tls']],
    ['a redirect on HTTP', { selector: { a: 'b' }, servers: [{ ...http, tls: { httpsRedirect: true } }] }, []],
    ['an unknown protocol', { selector: { a: 'b' }, servers: [{ ...http, port: { number: 80, name: 'x', protocol: 'SMTP' } }] }, ['spec.servers[0].port.protocol']],
    ['TLS versions in the wrong order', { selector: { a: 'b' }, servers: [{ port: { number: 443, name: 'h', protocol: 'HTTPS' }, hosts: ['*'], tls: { credentialName: 'c', minProtocolVersion: 'TLSV1_3', maxProtocolVersion: 'TLSV1_2' } }] }, ['spec.servers[0].tls.minProtocolVersion']],
  ],
  ServiceEntry: [
    ['DNS', { hosts: ['api.example'], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'DNS' }, []],
    ['the host *', { hosts: ['*'] }, ['spec.hosts[0]']],
    ['STATIC without endpoints', { hosts: ['a.b'], resolution: 'STATIC' }, ['spec.endpoints']],
    ['a name as a static address', { hosts: ['a.b'], resolution: 'STATIC', endpoints: [{ address: 'host.example' }] }, ['spec.endpoints[0].address']],
    ['a wildcard to be resolved', { hosts: ['*.example'], resolution: 'DNS' }, ['spec.hosts']],
    ['a port given twice', { hosts: ['a.b'], ports: [{ number: 80, name: 'a', protocol: 'HTTP' }, { number: 80, name: 'b', protocol: 'HTTP' }], resolution: 'DNS' }, ['spec.ports[1].number']],
  ],
  PeerAuthentication: [
    ['a mode', { mtls: { mode: 'STRICT' } }, []],
    ['ports without a selector', { portLevelMtls: { 80: { mode: 'DISABLE' } } }, ['spec.portLevelMtls']],
    ['a port that is none', { selector: { matchLabels: { a: 'b' } }, portLevelMtls: { http: { mode: 'DISABLE' } } }, ['spec.portLevelMtls.http']],
  ],
  AuthorizationPolicy: [
    ['deny all', {}, []],
    ['DENY without rules', { action: 'DENY' }, ['spec.rules']],
    ['CUSTOM without a provider', { action: 'CUSTOM', rules: [{}] }, ['spec.provider']],
    ['an empty list', { rules: [{ from: [{ source: { principals: [] } }] }] }, ['spec.rules[0].from[0].source.principals']],
    ['an empty source', { rules: [{ from: [{}] }] }, ['spec.rules[0].from[0].source']],
    ['a bad block', { rules: [{ from: [{ source: { ipBlocks: ['10.0.0.0/33'] } }] }] }, ['spec.rules[0].from[0].source.ipBlocks[0]']],
    ['a bad port', { rules: [{ to: [{ operation: { ports: ['http'] } }] }] }, ['spec.rules[0].to[0].operation.ports[0]']],
    ['a star in the middle', { rules: [{ to: [{ operation: { paths: ['/a*b'] } }] }] }, ['spec.rules[0].to[0].operation.paths[0]']],
    ['an unknown attribute', { rules: [{ when: [{ key: 'request.body', values: ['x'] }] }] }, ['spec.rules[0].when[0].key']],
    ['a DENY of requests on any port', { action: 'DENY', rules: [{ to: [{ operation: { methods: ['GET'] } }] }] }, ['~spec.rules[0].to[0].operation']],
  ],
  Sidecar: [
    ['hosts', { egress: [{ hosts: ['./*', 'istio-system/*'] }] }, []],
    ['a host without a namespace', { egress: [{ hosts: ['reviews'] }] }, ['spec.egress[0].hosts[0]']],
  ],
  Telemetry: [
    ['sampling', { tracing: [{ randomSamplingPercentage: 50 }] }, []],
    ['sampling over 100', { tracing: [{ randomSamplingPercentage: 150 }] }, ['spec.tracing[0].randomSamplingPercentage']],
  ],
  RequestAuthentication: [
    ['an issuer', { jwtRules: [{ issuer: 'i', jwksUri: 'https://keys.example/jwks', fromHeaders: [{ name: 'x-token', prefix: 'Bearer ' }], fromCookies: ['session'], outputPayloadToHeader: 'x-payload', outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }], timeout: '3s' }] }, []],
    ['keys alone', { jwtRules: [{ jwksUri: 'http://[::1]:8000/jwks?x=1' }] }, []],
    ['no issuer', { jwtRules: [{}] }, ['spec.jwtRules[0].issuer']],
    ['two sources of keys', { jwtRules: [{ issuer: 'i', jwksUri: 'https://i', jwks: '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}' }] }, ['spec.jwtRules[0]']],
    ['an issuer whose keys can not be found', { jwtRules: [{ issuer: 'i' }] }, ['~spec.jwtRules[0].issuer']],
    ...['ftp://keys', 'keys.example', 'https://', 'https://user:word@keys.example', 'https://keys.example/#x', 'https://keys.example:x/'].map((jwksUri): [string, object, string[]] => [`keys at ${jwksUri}`, { jwtRules: [{ issuer: 'i', jwksUri }] }, ['spec.jwtRules[0].jwksUri']]),
    ...['{', '{}', '{"keys":[]}', '[]', 'null', '{"keys":[{"kty":"RSA","n":1}]}', '{"keys":[{"kty":"toString"}]}'].map((jwks): [string, object, string[]] => [`keys ${jwks}`, { jwtRules: [{ issuer: 'i', jwks }] }, ['spec.jwtRules[0].jwks']]),
    ['private keys', { jwtRules: [{ issuer: 'i', jwks: '{"keys":[{"kty":"RSA","n":"x","e":"x","d":"x"},{"kty":"oct","k":"x"},{}]}' }] }, ['~spec.jwtRules[0].jwks.keys[0]', '~spec.jwtRules[0].jwks.keys[1]', '~spec.jwtRules[0].jwks.keys[2]']],
    ['empty values', { jwtRules: [{ issuer: 'https://i', audiences: [''], fromHeaders: [{ name: '' }], fromParams: [''], fromCookies: [''], outputClaimToHeaders: [{ header: 'x-a', claim: '' }] }] }, ['audiences[0]', 'fromParams[0]', 'fromCookies[0]', 'fromHeaders[0].name', 'outputClaimToHeaders[0].claim'].map((field) => `spec.jwtRules[0].${field}`)],
    ['headers that nobody may write', { jwtRules: [{ issuer: 'https://i', outputPayloadToHeader: 'Content-Length', outputClaimToHeaders: [{ header: 'Host', claim: 'a' }, { header: ':path', claim: 'a' }, { header: 'x-a', claim: 'a' }, { header: 'X-A', claim: 'b' }] }] }, ['outputPayloadToHeader', 'outputClaimToHeaders[0].header', 'outputClaimToHeaders[1].header', 'outputClaimToHeaders[3].header'].map((field) => `spec.jwtRules[0].${field}`)],
    ['two targets', { selector: { matchLabels: { a: 'b' } }, targetRef: { kind: 'Gateway', name: 'g' } }, ['spec', 'spec.targetRef']],
  ],
  WorkloadEntry: [
    ['an address', { address: '10.0.0.1' }, []],
    ['nothing', {}, ['spec.address']],
  ],
};

describe('validation', () => {
  for (const kind of ISTIO_KINDS) {
    it.each(CASES[kind.kind] ?? [])(`of ${kind.kind} judges %s`, (_name, spec, paths) => {
      const parsed = kind.schema.parse({ apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, metadata: { name: 'x', namespace: 'ns' }, spec });
      const found = kind.validate(parsed).map(({ level, path }) => `${level === 'warning' ? '~' : ''}${path ?? ''}`);
      expect(found).toEqual(paths);
    });

    it(`has cases for ${kind.kind}, and its preferred version is served first`, () => {
      expect(CASES[kind.kind]?.length).toBeGreaterThan(0);
      expect(kind.servedVersions[0]).toBe(kind.version);
    });
  }
});
