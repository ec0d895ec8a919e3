// Binding the Gateway API from outside: YAML in, statuses, configuration and wanted workloads out.
import { describe, expect, it } from 'vitest';
import { SUPPORTED_FEATURES } from './features.ts';
import { bindGatewayApi, referencedObjects, type SecretVerdict } from './index.ts';
import { bindYaml, CLASS_YAML, objectsOf, resourcesOf, shortConditions, statusOf } from './testdata/bind.ts';

const API = 'apiVersion: gateway.networking.k8s.io/v1';
const SERVICE = '---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}\n';
const ACCEPTED = 'Accepted=True/Accepted';
const RESOLVED = 'ResolvedRefs=True/ResolvedRefs';

/** A Gateway `web` with the given listeners, in flow style. */
function gateway(listeners: string, rest = ''): string {
  return `${API}\nkind: Gateway\nmetadata: {name: web}\nspec: {gatewayClassName: istio, listeners: [${listeners}]${rest}}\n${SERVICE}---\n`;
}

function route(spec: string, name = 'shop', namespace = 'default', kind = 'HTTPRoute'): string {
  return `${API}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {${spec}}\n---\n`;
}

const HTTP = '{name: http, port: 80, protocol: HTTP}';
const TO_WEB = 'rules: [{backendRefs: [{name: web, port: 80}]}]';

function listenerOf(yaml: string, over?: Parameters<typeof bindYaml>[1]) {
  const [listener] = statusOf(bindYaml(yaml, over), 'Gateway', 'web').listeners;
  if (!listener) throw new Error('the Gateway has no listener in its status');
  return { ...listener, conditions: shortConditions(listener.conditions) };
}

function parentOf(yaml: string, name = 'shop', kind: 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' = 'HTTPRoute'): string[] {
  return shortConditions(statusOf(bindYaml(yaml), kind, name).parents[0]?.conditions ?? []);
}

describe('GatewayClass', () => {
  it('is accepted when it names our controller, and shows the features; others are left alone', () => {
    const binding = bindYaml(`${API}\nkind: GatewayClass\nmetadata: {name: other}\nspec: {controllerName: example.com/other}\n`, { bundleVersion: 'v1.6.3' });
    const status = statusOf(binding, 'GatewayClass', 'istio');
    expect(shortConditions(status.conditions)).toEqual([ACCEPTED, 'SupportedVersion=True/SupportedVersion']);
    expect(status.supportedFeatures).toEqual(SUPPORTED_FEATURES.map((name) => ({ name })));
    expect([...SUPPORTED_FEATURES].sort()).toEqual(SUPPORTED_FEATURES);
    expect(binding.statuses).toHaveLength(1);
  });

  it('refuses parameters and says when the definitions are of an unknown release', () => {
    const yaml = CLASS_YAML.replace('controllerName:', 'parametersRef: {group: "", kind: ConfigMap, name: x}, controllerName:');
    const binding = bindGatewayApi(resourcesOf(objectsOf(yaml), { bundleVersion: 'v0.8.0' }));
    expect(shortConditions(statusOf(binding, 'GatewayClass', 'istio').conditions)).toEqual(['Accepted=False/InvalidParameters', 'SupportedVersion=False/UnsupportedVersion']);
  });
});

describe('Gateway', () => {
  it('is programmed with its addresses, has a listener each with kinds and routes, and wants one workload', () => {
    const binding = bindYaml(gateway(HTTP, ', infrastructure: {labels: {team: a}, annotations: {note: b}}') + route(`parentRefs: [{name: web}], ${TO_WEB}`));
    const status = statusOf(binding, 'Gateway', 'web');
    expect(shortConditions(status.conditions)).toEqual([ACCEPTED, 'Programmed=True/Programmed', RESOLVED]);
    expect(status.addresses).toEqual([{ type: 'IPAddress', value: '192.0.2.1' }]);
    expect(status.listeners).toMatchObject([{ name: 'http', attachedRoutes: 1, supportedKinds: [{ kind: 'HTTPRoute' }, { kind: 'GRPCRoute' }] }]);
    expect(shortConditions(status.listeners[0]?.conditions ?? [])).toEqual([ACCEPTED, RESOLVED, 'Programmed=True/Programmed', 'Conflicted=False/NoConflicts']);
    expect(binding.deployments).toEqual([{
      gateway: { namespace: 'default', name: 'web', uid: '', apiVersion: 'gateway.networking.k8s.io/v1' }, className: 'istio', name: 'web-istio', serviceType: 'LoadBalancer', addresses: [], annotations: { note: 'b' },
      labels: { team: 'a', 'gateway.networking.k8s.io/gateway-name': 'web', 'gateway.networking.k8s.io/gateway-class-name': 'istio' }, selector: { 'gateway.networking.k8s.io/gateway-name': 'web' },
      ports: [{ name: 'http-80', port: 80, appProtocol: 'http' }],
    }]);
  });

  it('shortens the name of a workload to what a Service may be called, and keeps such names apart', () => {
    const nameOf = (name: string): string | undefined => bindYaml(gateway(HTTP).replace('{name: web}', `{name: ${name}}`)).deployments[0]?.name;
    const names = ['a', 'b'].map((end) => nameOf(`gateway-with-one-not-matching-port-and-section-name-of-route-${end}`));
    expect(names.map((name) => name?.length)).toEqual([63, 63]);
    expect(new Set(names).size).toBe(2);
  });

  it('tells the generation that it speaks about', () => {
    const binding = bindYaml(gateway(HTTP).replace('{name: web}', '{name: web, generation: 7}'));
    expect(new Set(statusOf(binding, 'Gateway', 'web').conditions.map(({ observedGeneration }) => observedGeneration))).toEqual(new Set([7]));
  });

  it.each([
    { what: 'nothing is deployed yet', state: undefined, condition: 'Programmed=False/AddressNotAssigned' },
    { what: 'no proxy is ready', state: { addresses: [{ type: 'IPAddress', value: '192.0.2.1' }], ready: false }, condition: 'Programmed=False/Pending' },
    { what: 'an address can not be had', state: { addresses: [], ready: true, refusedAddresses: ['192.0.2.9'] }, condition: 'Programmed=False/AddressNotUsable' },
  ])('is not programmed while $what', ({ state, condition }) => {
    const binding = bindYaml(gateway(HTTP), { workloads: new Map(state ? [['default/web', state]] : []) });
    const { conditions, listeners } = statusOf(binding, 'Gateway', 'web');
    expect(shortConditions(conditions)).toContain(condition);
    expect(shortConditions(listeners[0]?.conditions ?? []).slice(0, 3)).toEqual([ACCEPTED, RESOLVED, 'Programmed=False/Pending']);
  });

  it('and its listeners wait for an endpoint of the Service that stands for a workload of the user\'s', () => {
    const yaml = `${gateway(HTTP, ', addresses: [{type: Hostname, value: mine}]')}---\napiVersion: v1\nkind: Service\nmetadata: {name: mine, namespace: default}\nspec: {ports: [{port: 80}]}\n`;
    const programmed = (ready: boolean): (string | undefined)[] => {
      const { conditions, listeners } = statusOf(bindYaml(yaml, { workloads: new Map([['default/web', { addresses: [], ready, ...(ready ? {} : { message: 'Service default/mine has no ready endpoints' }) }]]) }), 'Gateway', 'web');
      return [shortConditions(conditions)[1], shortConditions(listeners[0]?.conditions ?? [])[2]];
    };
    expect(programmed(false)).toEqual(['Programmed=False/Pending', 'Programmed=False/Pending']);
    expect(programmed(true)).toEqual(['Programmed=True/Programmed', 'Programmed=True/Programmed']);
  });

  it.each([
    { what: 'parameters that are missing', rest: ', infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: x}}', reason: 'InvalidParameters' },
    { what: 'parameters of an odd kind', rest: ', infrastructure: {parametersRef: {group: example.com, kind: Odd, name: x}}', reason: 'InvalidParameters' },
    { what: 'a type of Service that there is not', rest: ', infrastructure: {annotations: {networking.istio.io/service-type: clusterip}}', reason: 'InvalidParameters' },
    { what: 'an address of an unknown type', rest: ', addresses: [{type: test/fake, value: x}]', reason: 'UnsupportedAddress' },
  ])('is refused with $what, serves nothing, and keeps its workload as it is', ({ rest, reason }) => {
    const binding = bindYaml(gateway(HTTP, rest));
    expect(shortConditions(statusOf(binding, 'Gateway', 'web').conditions).slice(0, 2)).toEqual([`Accepted=False/${reason}`, 'Programmed=False/Invalid']);
    expect(binding.configuration.gateways).toEqual([]);
    expect([binding.deployments, binding.untouched]).toEqual([[], ['default/web']]);
  });

  it('hands parameters on to its workload', () => {
    const yaml = gateway(HTTP, ', infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: x}}');
    expect(referencedObjects(resourcesOf(objectsOf(yaml))).configMaps).toEqual(['default/x']);
    expect(bindYaml(yaml, { configMaps: new Map([['default/x', {}]]) }).deployments[0]?.parametersRef).toEqual({ group: '', kind: 'ConfigMap', name: 'x' });
  });

  it('is refused with parameters that are not allowed, and is served while they have not been read', () => {
    const yaml = gateway(HTTP, ', infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: x}}');
    const refused = bindYaml(yaml, { configMaps: new Map([['default/x', { parametersFault: 'deployment spec.selector is not for parameters to say.' }]]) });
    expect(statusOf(refused, 'Gateway', 'web').conditions[0]).toMatchObject({ reason: 'InvalidParameters', message: 'The ConfigMap x: deployment spec.selector is not for parameters to say.' });
    expect(refused.untouched).toEqual(['default/web']);
    const unread = bindYaml(yaml, { unreadConfigMaps: new Set(['default/x']), workloads: new Map() });
    expect(unread.configuration.gateways).toHaveLength(1);
    expect([unread.deployments[0]?.awaitsParameters, unread.untouched]).toEqual([true, []]);
    expect(statusOf(unread, 'Gateway', 'web').conditions[1]).toMatchObject({ reason: 'AddressNotAssigned', message: 'The ConfigMap with the parameters of the workload has not been read yet.' });
    const digests = ['1', '2'].map((parametersDigest) => bindYaml(yaml, { configMaps: new Map([['default/x', { parametersDigest }]]) }).deployments[0]?.parametersDigest);
    expect(digests).toEqual(['1', '2']);
  });

  it('of a class that is refused keeps its workload', () => {
    const objects = objectsOf(`${CLASS_YAML.replace('controllerName:', 'parametersRef: {group: "", kind: ConfigMap, name: x}, controllerName:')}---\n${gateway(HTTP)}`);
    const binding = bindGatewayApi(resourcesOf(objects));
    expect([binding.deployments, binding.untouched]).toEqual([[], ['default/web']]);
  });

  it('uses the Service that an address of type Hostname names instead of a workload of its own', () => {
    const own = '---\napiVersion: v1\nkind: Service\nmetadata: {name: edge}\nspec: {selector: {app: edge}, ports: [{port: 80}]}\n';
    const binding = bindYaml(gateway(HTTP, ', addresses: [{type: Hostname, value: edge.default.svc.cluster.local}]') + own);
    expect(binding.deployments).toEqual([]);
    expect(binding.configuration.gateways[0]?.spec.selector).toEqual({ app: 'edge' });
    expect(statusOf(binding, 'Gateway', 'web').addresses).toEqual([{ type: 'Hostname', value: 'edge.default.svc.cluster.local' }]);
    const missing = bindYaml(gateway(HTTP, ', addresses: [{type: Hostname, value: nobody}]'));
    expect(shortConditions(statusOf(missing, 'Gateway', 'web').conditions)).toContain('Programmed=False/AddressNotUsable');
  });

  it('of a foreign class is left alone', () => {
    expect(bindYaml(gateway(HTTP).replace('istio', 'other')).statuses).toHaveLength(1);
  });
});

describe('listeners', () => {
  it.each([
    { what: 'an unknown protocol', listener: '{name: x, port: 80, protocol: example.com/odd}', kinds: [], conditions: ['Accepted=False/UnsupportedProtocol', RESOLVED] },
    { what: 'HTTPS in passthrough', listener: '{name: x, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}', kinds: [], conditions: ['Accepted=False/UnsupportedValue', RESOLVED] },
    { what: 'kinds of which one fits', listener: '{name: x, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: HTTPRoute}, {kind: Odd}]}}', kinds: ['HTTPRoute'], conditions: [ACCEPTED, 'ResolvedRefs=False/InvalidRouteKinds', 'Programmed=True/Programmed'] },
    { what: 'kinds of which none fits', listener: '{name: x, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}', kinds: [], conditions: [ACCEPTED, 'ResolvedRefs=False/InvalidRouteKinds', 'Programmed=False/Invalid'] },
    { what: 'TLS in passthrough', listener: '{name: x, port: 443, protocol: TLS, tls: {mode: Passthrough}}', kinds: ['TLSRoute'], conditions: [ACCEPTED, RESOLVED, 'Programmed=True/Programmed'] },
    { what: 'TCP', listener: '{name: x, port: 9000, protocol: TCP}', kinds: ['TCPRoute'], conditions: [ACCEPTED, RESOLVED, 'Programmed=True/Programmed'] },
  ])('with $what', ({ listener, kinds, conditions }) => {
    const status = listenerOf(gateway(listener));
    expect(status.supportedKinds?.map(({ kind }) => kind)).toEqual(kinds);
    expect(status.conditions.slice(0, conditions.length)).toEqual(conditions);
  });

  it('of one Gateway that can not be told apart conflict all, others go on', () => {
    const yaml = gateway('{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}, {name: c, port: 81, protocol: HTTP}, {name: d, port: 82, protocol: HTTP}, {name: e, port: 82, protocol: TCP}');
    const status = statusOf(bindYaml(yaml), 'Gateway', 'web');
    expect(status.listeners.map(({ conditions }) => shortConditions(conditions)[3])).toEqual(['Conflicted=True/HostnameConflict', 'Conflicted=True/HostnameConflict', 'Conflicted=False/NoConflicts', 'Conflicted=True/ProtocolConflict', 'Conflicted=True/ProtocolConflict']);
    expect(shortConditions(status.conditions)[0]).toBe('Accepted=True/ListenersNotValid');
  });

  it('may share a port for HTTPS and TLS under different hostnames', () => {
    const yaml = gateway('{name: a, port: 443, protocol: HTTPS, hostname: a.com, tls: {certificateRefs: [{name: cert}]}}, {name: b, port: 443, protocol: TLS, hostname: b.com, tls: {mode: Passthrough}}');
    const binding = bindYaml(yaml, { secrets: new Map([['default/cert', { type: 'kubernetes.io/tls', keyPair: 'valid' }]]) });
    expect(statusOf(binding, 'Gateway', 'web').listeners.map(({ conditions }) => shortConditions(conditions)[2])).toEqual(['Programmed=True/Programmed', 'Programmed=True/Programmed']);
  });

  const https = (reference: string): string => gateway(`{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [${reference}]}}`);
  const valid = { type: 'kubernetes.io/tls', keyPair: 'valid' } as const;
  const grant = `apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: certs}\nspec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}], to: [{group: "", kind: Secret, name: cert}]}\n`;
  it.each([
    { what: 'a certificate beside them', yaml: https('{name: cert}'), condition: RESOLVED, served: true },
    { what: 'no certificate', yaml: gateway('{name: https, port: 443, protocol: HTTPS, tls: {}}'), condition: 'ResolvedRefs=False/InvalidCertificateRef', served: false },
    { what: 'a Secret that is missing', yaml: https('{name: nobody}'), condition: 'ResolvedRefs=False/InvalidCertificateRef', served: false },
    { what: 'a Secret that is malformed', yaml: https('{name: broken}'), condition: 'ResolvedRefs=False/InvalidCertificateRef', served: false },
    { what: 'a certificate in a ConfigMap', yaml: https('{kind: ConfigMap, name: cert}'), condition: 'ResolvedRefs=False/InvalidCertificateRef', served: false },
    { what: 'a Secret elsewhere without a grant', yaml: https('{name: cert, namespace: certs}'), condition: 'ResolvedRefs=False/RefNotPermitted', served: false },
    { what: 'a Secret elsewhere with a grant', yaml: https('{name: cert, namespace: certs}') + grant, condition: RESOLVED, served: true },
    { what: 'another Secret elsewhere than the granted one', yaml: https('{name: other, namespace: certs}') + grant, condition: 'ResolvedRefs=False/RefNotPermitted', served: false },
    { what: 'one good certificate of two', yaml: https('{name: cert}, {name: nobody}'), condition: 'ResolvedRefs=False/InvalidCertificateRef', served: true },
  ])('with $what', ({ yaml, condition, served }) => {
    const binding = bindYaml(yaml, { secrets: new Map<string, SecretVerdict>([['default/cert', valid], ['certs/cert', valid], ['certs/other', valid], ['default/broken', { type: 'kubernetes.io/tls', keyPair: 'invalid', message: 'no PEM' }]]) });
    expect(shortConditions(statusOf(binding, 'Gateway', 'web').listeners[0]?.conditions ?? [])[1]).toBe(condition);
    expect(binding.configuration.gateways).toHaveLength(served ? 1 : 0);
    expect(binding.configuration.secretGrants.flatMap(({ secrets }) => secrets)).toHaveLength(served ? 1 : 0);
  });

  const frontend = (validation: string, perPort = ''): string => gateway('{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}', `, tls: {frontend: {default: {validation: ${validation}}${perPort}}}`);
  it.each([
    { what: 'authorities that are there', yaml: frontend('{caCertificateRefs: [{kind: ConfigMap, group: "", name: ca}]}'), conditions: [ACCEPTED, RESOLVED], ca: { pem: 'PEM', required: true } },
    { what: 'an insecure fallback', yaml: frontend('{mode: AllowInsecureFallback, caCertificateRefs: [{kind: ConfigMap, group: "", name: ca}]}'), conditions: [ACCEPTED, RESOLVED], ca: { pem: 'PEM', required: false } },
    { what: 'no authority', yaml: frontend('{caCertificateRefs: [{kind: ConfigMap, group: "", name: nobody}]}'), conditions: ['Accepted=False/NoValidCACertificate', 'ResolvedRefs=False/InvalidCACertificateRef'], ca: undefined },
    { what: 'authorities of an odd kind', yaml: frontend('{caCertificateRefs: [{kind: Service, group: "", name: ca}]}'), conditions: ['Accepted=False/NoValidCACertificate', 'ResolvedRefs=False/InvalidCACertificateKind'], ca: undefined },
    { what: 'authorities elsewhere without a grant', yaml: frontend('{caCertificateRefs: [{kind: ConfigMap, group: "", name: ca, namespace: certs}]}'), conditions: ['Accepted=False/NoValidCACertificate', 'ResolvedRefs=False/RefNotPermitted'], ca: undefined },
    { what: 'settings of another port', yaml: frontend('{caCertificateRefs: [{kind: ConfigMap, group: "", name: ca}]}', ', perPort: [{port: 443, tls: {}}]'), conditions: [ACCEPTED, RESOLVED], ca: undefined },
  ])('check clients by $what', ({ yaml, conditions, ca }) => {
    const binding = bindYaml(yaml, { secrets: new Map([['default/cert', valid]]), configMaps: new Map([['default/ca', { caCertificates: 'PEM' }], ['certs/ca', { caCertificates: 'PEM' }]]) });
    const status = statusOf(binding, 'Gateway', 'web');
    expect(shortConditions(status.listeners[0]?.conditions ?? []).slice(0, 2)).toEqual(conditions);
    expect(binding.configuration.gateways[0]?.spec.servers?.[0]?.tls?.clientCa).toEqual(ca);
    expect(status.conditions.some(({ type }) => type === 'InsecureFrontendValidationMode')).toBe(ca?.required === false);
  });
});

describe('ListenerSet', () => {
  const set = (name: string, listeners: string, namespace = 'default', created = '2026-01-01T00:00:00Z'): string => `---\n${API}\nkind: ListenerSet\nmetadata: {name: ${name}, namespace: ${namespace}, creationTimestamp: "${created}"}\nspec: {parentRef: {name: web, namespace: default}, listeners: [${listeners}]}\n`;
  const allowing = (from: string): string => gateway(HTTP, `, allowedListeners: {namespaces: ${from}}`);

  it.each([
    { what: 'nothing', yaml: gateway(HTTP), same: 'NotAllowed', other: 'NotAllowed' },
    { what: 'its own namespace', yaml: allowing('{from: Same}'), same: 'Accepted', other: 'NotAllowed' },
    { what: 'every namespace', yaml: allowing('{from: All}'), same: 'Accepted', other: 'Accepted' },
    { what: 'namespaces by label', yaml: `${allowing('{from: Selector, selector: {matchLabels: {team: a}}}')}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {team: a}}\n`, same: 'NotAllowed', other: 'Accepted' },
  ])('is taken where the Gateway allows $what', ({ yaml, same, other }) => {
    const binding = bindYaml(yaml + set('near', '{name: x, port: 81, protocol: HTTP}') + set('far', '{name: x, port: 82, protocol: HTTP}', 'team-a'));
    expect([statusOf(binding, 'ListenerSet', 'near').conditions[0]?.reason, statusOf(binding, 'ListenerSet', 'far', 'team-a').conditions[0]?.reason]).toEqual([same, other]);
    expect(statusOf(binding, 'Gateway', 'web').attachedListenerSets).toBe([same, other].filter((reason) => reason === 'Accepted').length);
  });

  it('is not programmed, nor are its listeners, before the Gateway serves', () => {
    const { conditions, listeners } = statusOf(bindYaml(allowing('{from: Same}') + set('more', '{name: x, port: 81, protocol: HTTP}'), { workloads: new Map() }), 'ListenerSet', 'more');
    expect(shortConditions(conditions)).toEqual([ACCEPTED, 'Programmed=False/Pending']);
    expect(shortConditions(listeners[0]?.conditions ?? [])[2]).toBe('Programmed=False/Pending');
  });

  it('yields to the Gateway and to older sets', () => {
    const yaml = allowing('{from: Same}') + set('young', '{name: x, port: 80, protocol: HTTP, hostname: a.com}', 'default', '2026-02-01T00:00:00Z') + set('old', '{name: y, port: 80, protocol: HTTP, hostname: a.com}, {name: z, port: 80, protocol: HTTP}');
    const binding = bindYaml(yaml);
    expect(shortConditions(statusOf(binding, 'ListenerSet', 'young').conditions)).toEqual(['Accepted=False/ListenersNotValid', 'Programmed=False/ListenersNotValid']);
    expect(statusOf(binding, 'ListenerSet', 'old').listeners.map(({ conditions }) => shortConditions(conditions)[0])).toEqual([ACCEPTED, 'Accepted=False/HostnameConflict']);
    expect(shortConditions(statusOf(binding, 'Gateway', 'web').conditions)[0]).toBe(ACCEPTED);
  });

  it('has routes of its own, which do not attach to the Gateway and the other way round', () => {
    const yaml = allowing('{from: Same}') + set('more', '{name: x, port: 81, protocol: HTTP}') + '---\n' + route(`parentRefs: [{kind: ListenerSet, name: more}], ${TO_WEB}`) + route(`parentRefs: [{name: web, sectionName: x}], ${TO_WEB}`, 'wrong');
    const binding = bindYaml(yaml);
    expect(statusOf(binding, 'ListenerSet', 'more').listeners[0]?.attachedRoutes).toBe(1);
    expect(statusOf(binding, 'Gateway', 'web').listeners[0]?.attachedRoutes).toBe(0);
    expect(shortConditions(statusOf(binding, 'HTTPRoute', 'wrong').parents[0]?.conditions ?? [])[0]).toBe('Accepted=False/NoMatchingParent');
    expect(binding.deployments[0]?.ports.map(({ port }) => port)).toEqual([80, 81]);
  });
});

describe('routes', () => {
  it.each([
    { what: 'a section that is not there', gateway: HTTP, spec: `parentRefs: [{name: web, sectionName: odd}], ${TO_WEB}`, condition: 'Accepted=False/NoMatchingParent' },
    { what: 'a port that is not there', gateway: HTTP, spec: `parentRefs: [{name: web, port: 81}], ${TO_WEB}`, condition: 'Accepted=False/NoMatchingParent' },
    { what: 'a section on another port', gateway: `${HTTP}, {name: more, port: 81, protocol: HTTP}`, spec: `parentRefs: [{name: web, sectionName: more, port: 80}], ${TO_WEB}`, condition: 'Accepted=False/NoMatchingParent' },
    { what: 'a listener of another protocol', gateway: '{name: tcp, port: 80, protocol: TCP}', spec: `parentRefs: [{name: web}], ${TO_WEB}`, condition: 'Accepted=False/NotAllowedByListeners' },
    { what: 'a listener for another host', gateway: '{name: http, port: 80, protocol: HTTP, hostname: a.com}', spec: `parentRefs: [{name: web}], hostnames: [b.com], ${TO_WEB}`, condition: 'Accepted=False/NoMatchingListenerHostname' },
    { what: 'a wildcard in common', gateway: '{name: http, port: 80, protocol: HTTP, hostname: "*.a.com"}', spec: `parentRefs: [{name: web}], hostnames: [x.y.a.com], ${TO_WEB}`, condition: ACCEPTED },
    { what: 'a conflicting listener', gateway: `${HTTP}, {name: twin, port: 80, protocol: HTTP}`, spec: `parentRefs: [{name: web}], ${TO_WEB}`, condition: 'Accepted=False/NoMatchingParent' },
  ])('meet $what', ({ gateway: listeners, spec, condition }) => {
    expect(parentOf(gateway(listeners) + route(spec))[0]).toBe(condition);
  });

  it('of other namespaces attach where the listener takes them', () => {
    const open = gateway('{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}');
    const far = route(`parentRefs: [{name: web, namespace: default}], ${TO_WEB}`, 'shop', 'far');
    const near = (yaml: string): string[] => shortConditions(statusOf(bindYaml(yaml), 'HTTPRoute', 'shop', 'far').parents[0]?.conditions ?? []);
    expect(near(gateway(HTTP) + far)[0]).toBe('Accepted=False/NotAllowedByListeners');
    expect(near(open + far)).toEqual([ACCEPTED, 'ResolvedRefs=False/BackendNotFound']);
  });

  const grant = 'apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: far}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], to: [{group: "", kind: Service}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: far}\nspec: {ports: [{port: 80}]}\n';
  it.each([
    { what: 'a Service that is missing', backend: '{name: nobody, port: 80}', condition: 'ResolvedRefs=False/BackendNotFound' },
    { what: 'a port that is missing', backend: '{name: web, port: 81}', condition: 'ResolvedRefs=False/BackendNotFound' },
    { what: 'a port that is not TCP', backend: '{name: web, port: 53}', condition: 'ResolvedRefs=False/UnsupportedProtocol' },
    { what: 'a kind that is no backend', backend: '{kind: Odd, name: web, port: 80}', condition: 'ResolvedRefs=False/InvalidKind' },
    { what: 'a Service elsewhere without a grant', backend: '{name: web, namespace: else, port: 80}', condition: 'ResolvedRefs=False/RefNotPermitted' },
    { what: 'a Service elsewhere with a grant', backend: '{name: web, namespace: far, port: 80}', condition: RESOLVED },
    { what: 'the host of a Service elsewhere without a grant', backend: '{group: networking.istio.io, kind: Hostname, name: Web.else.svc.cluster.local, port: 80}', condition: 'ResolvedRefs=False/RefNotPermitted' },
    { what: 'its host without the domain', backend: '{group: networking.istio.io, kind: Hostname, name: web.else.svc, port: 80}', condition: 'ResolvedRefs=False/RefNotPermitted' },
    { what: 'its host with a dot at the end', backend: '{group: networking.istio.io, kind: Hostname, name: web.else.svc.cluster.local., port: 80}', condition: 'ResolvedRefs=False/RefNotPermitted' },
    { what: 'the host of a pod elsewhere', backend: '{group: networking.istio.io, kind: Hostname, name: pod.web.else.svc.cluster.local, port: 80}', condition: 'ResolvedRefs=False/RefNotPermitted' },
    { what: 'the host of a Service elsewhere with a grant', backend: '{group: networking.istio.io, kind: Hostname, name: web.far.svc.cluster.local, port: 80}', condition: RESOLVED },
    { what: 'the host of a Service beside it', backend: '{group: networking.istio.io, kind: Hostname, name: web, port: 80}', condition: RESOLVED },
    { what: 'a host that nobody has', backend: '{group: networking.istio.io, kind: Hostname, name: api.example.com, port: 80}', condition: 'ResolvedRefs=False/BackendNotFound' },
  ])('refer to $what', ({ backend, condition }) => {
    const spec = (rule: string): string => gateway(HTTP) + route(`parentRefs: [{name: web}], rules: [{${rule}}]`) + grant;
    expect(parentOf(spec(`backendRefs: [${backend}]`))).toEqual([ACCEPTED, condition]);
    const mirror = spec(`backendRefs: [{name: web, port: 80}], filters: [{type: RequestMirror, requestMirror: {backendRef: ${backend}}}]`);
    expect(parentOf(mirror)[1]).toBe(condition);
  });

  it('with rules that can not be done are refused when no rule is left, else say so', () => {
    const odd = '{filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Odd, name: x}}], backendRefs: [{name: web, port: 80}]}';
    expect(parentOf(gateway(HTTP) + route(`parentRefs: [{name: web}], rules: [${odd}]`))).toEqual(['Accepted=False/UnsupportedValue', RESOLVED]);
    expect(parentOf(gateway(HTTP) + route(`parentRefs: [{name: web}], rules: [${odd}, {backendRefs: [{name: web, port: 80}]}]`))).toEqual([ACCEPTED, RESOLVED, 'PartiallyInvalid=True/UnsupportedValue']);
  });

  it.each([
    { what: 'a pattern that does not compile', rule: 'matches: [{path: {type: RegularExpression, value: "["}}]' },
    { what: 'a header that frames messages', rule: 'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Transfer-Encoding, value: chunked}]}}]' },
    { what: 'a line break in a header', rule: 'filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: x, value: "a\\r\\nb"}]}}]' },
    { what: 'a blank in a path', rule: 'filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: "/a b"}}}]' },
    { what: 'redirect and rewrite at once', rule: 'filters: [{type: URLRewrite, urlRewrite: {hostname: a.com}}, {type: RequestRedirect, requestRedirect: {hostname: a.com}}]' },
  ])('with $what never reach a proxy with it', ({ rule }) => {
    const binding = bindYaml(gateway(HTTP) + route(`parentRefs: [{name: web}], rules: [{${rule}, backendRefs: [{name: web, port: 80}]}]`));
    expect(statusOf(binding, 'HTTPRoute', 'shop').parents[0]?.conditions[0]?.status).toBe('False');
    const routes = binding.configuration.virtualServices.flatMap(({ spec }) => spec.http ?? []);
    expect(routes.every(({ directResponse, route: targets, headers, rewrite, redirect }) => directResponse?.status === 500 && !targets && !headers && !rewrite && !redirect)).toBe(true);
  });

  it('keep the references of parents as they were written, and leave foreign parents out', () => {
    const binding = bindYaml(gateway(HTTP) + route(`parentRefs: [{name: web, sectionName: http}, {name: foreign}, {kind: Odd, group: example.com, name: x}], ${TO_WEB}`));
    expect(statusOf(binding, 'HTTPRoute', 'shop').parents.map(({ parentRef, controllerName }) => ({ parentRef, controllerName }))).toEqual([{ parentRef: { name: 'web', sectionName: 'http' }, controllerName: 'istio.io/gateway-controller' }]);
  });

  it('of HTTP and gRPC do not share a hostname on a listener: the older one has it', () => {
    const grpc = (hosts: string): string => `${API}\nkind: GRPCRoute\nmetadata: {name: calls, creationTimestamp: "2026-02-01T00:00:00Z"}\nspec: {parentRefs: [{name: web}], hostnames: [${hosts}], ${TO_WEB}}\n---\n`;
    const http = `${API}\nkind: HTTPRoute\nmetadata: {name: shop, creationTimestamp: "2026-01-01T00:00:00Z"}\nspec: {parentRefs: [{name: web}], hostnames: ["*.a.com"], ${TO_WEB}}\n---\n`;
    expect([parentOf(gateway(HTTP) + grpc('x.a.com') + http, 'calls', 'GRPCRoute')[0], parentOf(gateway(HTTP) + grpc('x.a.com') + http)[0]]).toEqual(['Accepted=False/NotAllowedByListeners', ACCEPTED]);
    expect(listenerOf(gateway(HTTP) + grpc('x.a.com') + http).attachedRoutes).toBe(1);
    expect(parentOf(gateway(HTTP) + grpc('x.b.com') + http, 'calls', 'GRPCRoute')[0]).toBe(ACCEPTED);
  });

  it('count once for a listener that they name twice', () => {
    expect(listenerOf(gateway(HTTP) + route(`parentRefs: [{name: web}, {name: web, sectionName: http}], ${TO_WEB}`)).attachedRoutes).toBe(1);
  });
});

describe('BackendTLSPolicy', () => {
  const policy = (name: string, spec: string, created = '2026-01-01T00:00:00Z'): string => `${API}\nkind: BackendTLSPolicy\nmetadata: {name: ${name}, creationTimestamp: "${created}"}\nspec: {${spec}}\n---\n`;
  const target = (section = ''): string => `targetRefs: [{group: "", kind: Service, name: web${section === '' ? '' : `, sectionName: ${section}`}}]`;
  const validation = (ca: string): string => `validation: {hostname: web.internal, ${ca}}`;
  const CA = 'caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]';
  const bound = (yaml: string) => bindYaml(gateway(HTTP) + route(`parentRefs: [{name: web}], ${TO_WEB}`) + yaml, { configMaps: new Map([['default/ca', { caCertificates: 'PEM' }]]) });
  const conditions = (yaml: string, name = 'p'): string[] => shortConditions(statusOf(bound(yaml), 'BackendTLSPolicy', name).ancestors[0]?.conditions ?? []);

  it('tells gateways whom to trust and which name to ask for, and has each Gateway that leads there as ancestor', () => {
    const binding = bound(policy('p', `${target()}, ${validation(CA)}`));
    expect(binding.configuration.backendTls).toMatchObject([
      { host: 'web.default.svc.cluster.local', port: 80, serverName: 'web.internal', trust: { pem: 'PEM' }, subjectAltNames: [{ type: 'dns', value: 'web.internal' }] }, { port: 53 },
    ]);
    expect(statusOf(binding, 'BackendTLSPolicy', 'p').ancestors.map(({ ancestorRef }) => ancestorRef)).toEqual([{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default', name: 'web' }]);
    expect(conditions(policy('p', `${target()}, ${validation(CA)}`))).toEqual([ACCEPTED, RESOLVED]);
  });

  it.each([
    { what: 'a missing authority', ca: 'caCertificateRefs: [{group: "", kind: ConfigMap, name: nobody}]', expected: ['Accepted=False/NoValidCACertificate', 'ResolvedRefs=False/InvalidCACertificateRef'] },
    { what: 'an odd kind', ca: 'caCertificateRefs: [{group: example.com, kind: Odd, name: ca}]', expected: ['Accepted=False/NoValidCACertificate', 'ResolvedRefs=False/InvalidKind'] },
  ])('with $what lets nothing through', ({ ca, expected }) => {
    const yaml = policy('p', `${target()}, ${validation(ca)}`);
    expect(conditions(yaml)).toEqual(expected);
    const binding = bound(yaml);
    expect(binding.configuration.backendTls).toEqual([]);
    expect(binding.configuration.virtualServices.flatMap(({ spec }) => spec.http ?? []).map(({ directResponse }) => directResponse?.status)).toEqual([500]);
  });

  it('yields to an older policy of the same target; one for a port is stronger than one for all', () => {
    const old = policy('old', `${target()}, ${validation(CA)}`);
    const young = policy('young', `${target()}, ${validation(CA)}`, '2026-02-01T00:00:00Z');
    const port = policy('port', `${target('http')}, validation: {hostname: port.internal, wellKnownCACertificates: System, subjectAltNames: [{type: URI, uri: "spiffe://x/y"}]}`, '2026-03-01T00:00:00Z');
    expect([conditions(young + old + port, 'old')[0], conditions(young + old + port, 'young')[0], conditions(young + old + port, 'port')[0]]).toEqual([ACCEPTED, 'Accepted=False/Conflicted', ACCEPTED]);
    expect(bound(young + old + port).configuration.backendTls[0]).toMatchObject({ port: 80, serverName: 'port.internal', trust: 'system', subjectAltNames: [{ type: 'uri', value: 'spiffe://x/y' }] });
  });

  it('may be met by a client certificate of the Gateway', () => {
    const yaml = (reference: string): string => gateway(HTTP, `, tls: {backend: {clientCertificateRef: ${reference}}}`);
    const secrets = new Map([['default/cert', { type: 'kubernetes.io/tls', keyPair: 'valid' as const }]]);
    expect(bindYaml(yaml('{name: cert}'), { secrets }).configuration).toMatchObject({ clientCertificates: [{ namespace: 'default', gateway: 'web', secret: 'default/cert' }], secretGrants: [{ gateway: 'web', serviceAccount: 'web-istio', secrets: ['default/cert'] }] });
    const missing = bindYaml(yaml('{name: nobody}'), { secrets });
    expect(missing.configuration.clientCertificates).toEqual([]);
    expect(shortConditions(statusOf(missing, 'Gateway', 'web').conditions)).toEqual([ACCEPTED, 'Programmed=True/Programmed', 'ResolvedRefs=False/InvalidClientCertificateRef']);
    expect(shortConditions(statusOf(bindYaml(yaml('{name: cert, namespace: far}'), { secrets }), 'Gateway', 'web').conditions)[2]).toBe('ResolvedRefs=False/RefNotPermitted');
  });
});

describe('backends of kind Hostname', () => {
  const backend = (name: string, port = 443): string => gateway(HTTP) + route(`parentRefs: [{name: web}], rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${name}, port: ${port}}]}]`);
  const bindWith = (yaml: string, exportTo: string[]) => bindYaml(yaml, { externalHosts: [{ namespace: 'partners', hosts: ['API.example.com', 'far.else'], ports: [443], exportTo }] });
  const resolved = (binding: ReturnType<typeof bindYaml>): string | undefined => shortConditions(statusOf(binding, 'HTTPRoute', 'shop').parents[0]?.conditions ?? [])[1];
  const FAR = '---\napiVersion: v1\nkind: Service\nmetadata: {name: far, namespace: else}\nspec: {ports: [{port: 443}]}\n';

  it.each([
    { what: 'every namespace sees', exportTo: ['*'], port: 443, condition: RESOLVED },
    { what: 'this namespace sees', exportTo: ['default'], port: 443, condition: RESOLVED },
    { what: 'only its own namespace sees', exportTo: ['.'], port: 443, condition: 'ResolvedRefs=False/BackendNotFound' },
    { what: 'has another port', exportTo: ['*'], port: 444, condition: 'ResolvedRefs=False/BackendNotFound' },
  ])('are hosts of a ServiceEntry that $what', ({ exportTo, port, condition }) => {
    const binding = bindWith(backend('api.example.com', port), exportTo);
    expect(resolved(binding)).toBe(condition);
    const reached = JSON.stringify(binding.configuration.virtualServices).includes('api.example.com');
    expect(reached).toBe(condition === RESOLVED);
  });

  it('are Services in full where a short name means one, whoever else has that name', () => {
    expect(resolved(bindWith(backend('far.else'), ['*']))).toBe(RESOLVED);
    const taken = bindWith(backend('far.else') + FAR, ['*']);
    expect(resolved(taken)).toBe('ResolvedRefs=False/RefNotPermitted');
    const own = bindYaml(backend('web.default', 80));
    expect(JSON.stringify(own.configuration.virtualServices)).toContain('"host":"web.default.svc.cluster.local"');
  });
});

describe('referencedObjects', () => {
  it('names what decides about listeners, clients and policies', () => {
    const yaml = gateway('{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}, {name: far, namespace: certs}]}}', ', tls: {backend: {clientCertificateRef: {name: own}}, frontend: {default: {validation: {caCertificateRefs: [{kind: ConfigMap, name: clients}]}}}}');
    const policy = `${API}\nkind: BackendTLSPolicy\nmetadata: {name: p}\nspec: {validation: {hostname: x, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}\n`;
    expect(referencedObjects(resourcesOf(objectsOf(yaml + policy)))).toEqual({ secrets: ['certs/far', 'default/cert', 'default/own'], configMaps: ['default/ca', 'default/clients'] });
  });
});

describe('the order of objects', () => {
  it('does not change the binding', () => {
    const objects = objectsOf(`${CLASS_YAML}---\n${gateway(`${HTTP}, {name: other, port: 81, protocol: HTTP, hostname: a.com}`)}${route(`parentRefs: [{name: web}], ${TO_WEB}`)}${route(`parentRefs: [{name: web}], hostnames: [a.com], ${TO_WEB}`, 'second')}${route(`parentRefs: [{kind: Service, group: "", name: web}], ${TO_WEB}`, 'third')}`);
    const expected = bindGatewayApi(resourcesOf(objects)).configuration;
    expect(bindGatewayApi(resourcesOf([...objects].reverse())).configuration).toEqual(expected);
  });
});
