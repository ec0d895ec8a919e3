// The house rule, field by field: what narrows or denies and is not enforced is refused; what merely has no effect is warned of, so that existing objects
// still apply. `!` marks an error, `~` a warning.
import { describe, expect, it } from 'vitest';
import { ISTIO_KINDS } from './istio-kinds.ts';
import { NOT_ENFORCED } from './networking/validation-rules.ts';

const http = [{ route: [{ destination: { host: 'a' } }] }];
const l4 = [{ destination: { host: 'a' } }];
const rule = (from: object): object[] => [{ from: [{ source: from }] }];
const when = (key: string, values: object = { values: ['x'] }): object[] => [{ when: [{ key, ...values }] }];
const server = (tls: object): object => ({ selector: { a: 'b' }, servers: [{ port: { number: 443, name: 'h', protocol: 'HTTPS' }, hosts: ['*'], tls: { credentialName: 'c', ...tls } }] });
const policy = (trafficPolicy: object): object => ({ host: 'a', trafficPolicy });

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' };
const CASES: readonly (readonly [kind: string, spec: object, found: readonly string[]])[] = [
  ['AuthorizationPolicy', { action: 'CUSTOM', provider: { name: 'p' }, rules: [{}] }, []],
  ['AuthorizationPolicy', { action: 'DENY', targetRef: GATEWAY, rules: [{}] }, []],
  ['AuthorizationPolicy', { targetRefs: [GATEWAY, { kind: 'Service', name: 's' }], rules: [{}] }, ['!spec.targetRefs[1]']],
  ['AuthorizationPolicy', { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'istio-waypoint' }], rules: [{}] }, ['!spec.targetRefs[0]']],
  ['AuthorizationPolicy', { action: 'DENY', rules: when('experimental.envoy.filters.http.ext_authz[user]') }, []],
  ['AuthorizationPolicy', { action: 'DENY', rules: when('experimental.envoy.filters.a.b[c]') }, ['!spec.rules[0].when[0].key']],
  ['AuthorizationPolicy', { action: 'DENY', rules: [...rule({ notRequestPrincipals: ['*'] }), ...when('request.auth.claims[group]'), ...when('request.auth.audiences', { notValues: ['x'] })] }, []],
  ['RequestAuthentication', { jwtRules: [{ issuer: 'https://i' }] }, []],
  ['RequestAuthentication', { targetRef: GATEWAY }, []],
  ['RequestAuthentication', { targetRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 's' }] }, ['!spec.targetRefs[0]']],
  ['VirtualService', { hosts: ['a.b'], tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/8'] }], route: l4 }] }, ['!spec.tcp[0].match[0].destinationSubnets']],
  ['VirtualService', { hosts: ['a.b'], tls: [{ match: [{ sniHosts: ['a.b'], destinationSubnets: ['10.0.0.0/8'] }], route: l4 }] }, ['!spec.tls[0].match[0].destinationSubnets']],
  ['VirtualService', { hosts: ['a.b'], tcp: [{ match: [{ sourceSubnet: '10.0.0.0/8' }], route: l4 }] }, ['!spec.tcp[0].match[0].sourceSubnet']],
  ['VirtualService', { hosts: ['a.b'], http: [{ ...http[0], retries: { attempts: 1, retryRemoteLocalities: true } }] }, ['~spec.http[0].retries.retryRemoteLocalities']],
  ['Gateway', server({ mode: 'MUTUAL', caCrl: '/crl' }), ['!spec.servers[0].tls.caCrl']],
  ['DestinationRule', policy({ tls: { mode: 'SIMPLE', caCrl: '/crl' } }), ['!spec.trafficPolicy.tls.caCrl']],
  ['DestinationRule', policy({ portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE', caCrl: '/crl' } }] }), ['!spec.trafficPolicy.portLevelSettings[0].tls.caCrl']],
  ['DestinationRule', policy({ tunnel: { targetHost: 'a.b', targetPort: 80 } }), ['~spec.trafficPolicy.tunnel']],
  ['DestinationRule', policy({ proxyProtocol: { version: 'V2' } }), ['~spec.trafficPolicy.proxyProtocol']],
  ['DestinationRule', policy({ retryBudget: { percent: 20 } }), []],
  ['DestinationRule', policy({ connectionPool: { tcp: { maxConnectionDuration: '1h' } } }), ['~spec.trafficPolicy.connectionPool.tcp.maxConnectionDuration']],
  ['DestinationRule', policy({ connectionPool: { http: { http2KeepAlive: { interval: '1s' } } } }), ['~spec.trafficPolicy.connectionPool.http.http2KeepAlive']],
  ['DestinationRule', policy({ loadBalancer: { localityLbSetting: { distribute: [{ from: 'a', to: { a: 100 } }] } } }), []],
  ['DestinationRule', policy({ loadBalancer: { localityLbSetting: { enabled: false } } }), []],
  ['Sidecar', { ingress: [{ port: { number: 80 }, defaultEndpoint: '127.0.0.1:80' }] }, ['~spec.ingress[0]']],
  ['Sidecar', { ingress: [{ port: { number: 80 }, defaultEndpoint: 'unix:///socket' }] }, ['!spec.ingress[0].defaultEndpoint']],
  ['Sidecar', { ingress: [{ port: { number: 80 }, defaultEndpoint: '127.0.0.1:8080' }] }, ['!spec.ingress[0].defaultEndpoint']],
  ['Sidecar', { ingress: [{ port: { number: 80 }, tls: { mode: 'SIMPLE' } }] }, ['!spec.ingress[0].tls']],
  ['Sidecar', { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'egress' } } }, ['!spec.outboundTrafficPolicy.egressProxy']],
  ['Sidecar', { inboundConnectionPool: { tcp: { maxConnections: 1 } } }, ['~spec.inboundConnectionPool']],
  ['Sidecar', { egress: [{ port: { number: 80 }, hosts: ['./*'] }] }, ['~spec.egress[0].port']],
  ['Telemetry', { metrics: [{ reportingInterval: '5s', overrides: [{ tagOverrides: { a: { value: 'b' } } }] }] }, ['~spec.metrics[0].overrides', '~spec.metrics[0].reportingInterval']],
  ['Telemetry', { targetRef: GATEWAY }, []],
  ['Telemetry', { tracing: [{ disableContextPropagation: true }] }, ['~spec.tracing[0].disableContextPropagation']],
  ['Telemetry', { tracing: [{ customTags: { a: { formatter: { value: '%X%' } } } }] }, ['~spec.tracing[0].customTags.a.formatter']],
  ['Telemetry', { accessLogging: [{ filter: { expression: 'response.code >= 400' } }] }, ['~spec.accessLogging[0].filter']],
  ['Gateway', server({ mode: 'ISTIO_MUTUAL', credentialName: undefined, maxProtocolVersion: 'TLSV1_2', cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] }), []],
  ['Gateway', server({ mode: 'SIMPLE', credentialName: undefined, tlsCertificates: [{ serverCertificate: '/c', privateKey: '/k' }] }), []],
];

describe('fields that this version does not enforce', () => {
  it.each(CASES)('%s %j', (name, spec, expected) => {
    const kind = ISTIO_KINDS.find((row) => row.kind === name);
    if (!kind) throw new Error(`no kind ${name}`);
    const issues = kind.validate(kind.schema.parse({ apiVersion: `${kind.group}/${kind.version}`, kind: name, metadata: { name: 'x', namespace: 'ns' }, spec: JSON.parse(JSON.stringify(spec)) }));
    expect(issues.map(({ level, path }) => `${level === 'error' ? '!' : '~'}${path ?? ''}`).sort()).toEqual([...expected].sort());
    // Only errors of this code may leave an object in force in part.
    for (const issue of issues) if (issue.level === 'error') expect(issue.code).toBe(NOT_ENFORCED);
  });
});
