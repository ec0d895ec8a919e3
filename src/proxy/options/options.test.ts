// Options as Istio's agent takes them: arguments, environment, files; and what is said when they are wrong.
import { describe, expect, it } from 'vitest';
import { HELP_TEXT, nodeOf, parseArguments, readProxyOptions, type OptionSources } from './index.ts';

const environment = { POD_NAME: 'p-1', POD_NAMESPACE: 'ns', INSTANCE_IP: '10.1.2.3' };
const read = (env: Record<string, string>, files: Record<string, string> = {}, flags: Record<string, string> = {}): ReturnType<typeof readProxyOptions> => readProxyOptions({ role: 'sidecar', flags, environment: { ...environment, ...env }, readFile: (path) => files[path] } satisfies OptionSources);
const options = (...args: Parameters<typeof read>): Extract<ReturnType<typeof read>, { ok: true }>['value'] => {
  const result = read(...args);
  if (!result.ok) throw new Error(result.error.join(', '));
  return result.value;
};

describe('arguments', () => {
  it.each([
    [['proxy', 'sidecar', '--domain', 'ns.svc.cluster.local', '--proxyLogLevel=warning', '--log_output_level', 'default:info'], { kind: 'run', role: 'sidecar', flags: { domain: 'ns.svc.cluster.local', proxyLogLevel: 'warning', log_output_level: 'default:info' } }],
    [['router'], { kind: 'run', role: 'router', flags: {} }],
    [['wait', '--timeoutSeconds=3'], { kind: 'wait', timeoutSeconds: 3, periodMilliseconds: 500, url: 'http://localhost:15021/healthz/ready' }],
    [['request', 'post', 'drain'], { kind: 'request', method: 'POST', path: '/drain', port: 15000 }],
    [['request', 'GET', 'stats'], { kind: 'request', method: 'GET', path: '/stats', port: 15000 }],
    [['request', '--debug-port=15020', 'POST', 'drain'], { kind: 'request', method: 'POST', path: '/drain', port: 15020 }],
    [['request', '--debug-port=15000', 'POST', '/drain_listeners?inboundonly'], { kind: 'request', method: 'POST', path: '/drain_listeners?inboundonly', port: 15000 }],
    [['sidecar', '--help'], { kind: 'help' }],
    [['version'], { kind: 'version' }],
  ])('%j', (argv, command) => expect(parseArguments(argv)).toEqual({ ok: true, value: command }));

  it.each([[['frobnicate']], [['sidecar', '--bogus', '1']], [['request', 'POST']], [['wait', '--timeoutSeconds=x']]])('%j is refused', (argv) => expect(parseArguments(argv).ok).toBe(false));

  it('are all in the help', () => {
    for (const word of ['sidecar', 'router', 'wait', 'request', '--domain', '--proxyLogLevel', '--timeoutSeconds']) expect(HELP_TEXT).toContain(word);
  });
});

describe('options', () => {
  it('have Istio\'s defaults', () => {
    expect(options({})).toMatchObject({
      discoveryAddress: 'istiod.istio-system.svc:15012', caAddress: 'istiod.istio-system.svc:15012', deltaXds: true, adminPort: 15000, statusPort: 15020, healthPort: 15021, prometheusPort: 15090, bindAddress: '0.0.0.0',
      drainMilliseconds: 45_000, terminationDrainMilliseconds: 5000, exitOnZeroActiveConnections: false, trustDomain: 'cluster.local', serviceAccount: 'default', certificateLifetimeSeconds: 86_400, domain: 'ns.svc.cluster.local',
      tokenFile: '/var/run/secrets/tokens/istio-token', rootCertificateFile: '/var/run/secrets/istio/root-cert.pem', appMetrics: null, logLevel: 'warn',
    });
  });

  it('know the pod by all of its addresses, unless dual stack is off or the interfaces are not the pod\'s', () => {
    const of = (podIp: string, interfaces: string[], env: Record<string, string> = {}): unknown => {
      const result = readProxyOptions({ role: 'sidecar', flags: {}, environment: { ...environment, INSTANCE_IP: podIp, ...env }, readFile: () => undefined, interfaces });
      return result.ok && [result.value.podIps.join(), result.value.bindAddress, nodeOf(result.value).metadata['INSTANCE_IPS']];
    };
    expect(of('10.1.1.1', ['127.0.0.1', '::1', '10.1.1.1', 'fd00::1', 'fe80::1'])).toEqual(['10.1.1.1,fd00::1', '::', '10.1.1.1,fd00::1']);
    expect(of('10.1.1.1', ['10.1.1.1', 'fd00::1'], { ISTIO_DUAL_STACK: 'false' })).toEqual(['10.1.1.1', '0.0.0.0', '10.1.1.1']);
    expect(of('fd00::1', ['::1', '::6', 'fd00::1'])).toEqual(['fd00::1', '::', 'fd00::1']);
    expect(of('127.10.1.1', ['127.0.0.1', '10.1.1.1', 'fd00::1'])).toEqual(['127.10.1.1', '0.0.0.0', '127.10.1.1']);
  });

  it('reach a captured application on the pod\'s address, from the source that is let through, and others on loopback', () => {
    expect([
      options({ INSTANCE_IP: '10.1.1.1', ISTIO_META_INTERCEPTION_MODE: 'REDIRECT' }), options({ INSTANCE_IP: 'fd00::1', ISTIO_META_INTERCEPTION_MODE: 'TPROXY' }), options({ INSTANCE_IP: '127.10.1.1', ISTIO_META_INTERCEPTION_MODE: 'NONE' }), options({ ISTIO_APP_ADDRESS: '127.7.7.7', ISTIO_META_INTERCEPTION_MODE: 'REDIRECT' }),
    ].map(({ probeTarget }) => probeTarget)).toEqual([{ address: '10.1.1.1', source: '127.0.0.6' }, { address: 'fd00::1', source: '::6' }, { address: '127.0.0.1', source: '' }, { address: '127.7.7.7', source: '' }]);
  });

  it('serve DNS where it is captured, on loopback alone', () => {
    expect(options({}).dns).toBeNull();
    expect(options({ ISTIO_META_DNS_CAPTURE: 'true' }, { '/etc/resolv.conf': 'nameserver 10.96.0.10\n' }).dns).toEqual({ addresses: ['127.0.0.1', '::1'], port: 15053, resolverText: 'nameserver 10.96.0.10\n' });
    expect(options({ ISTIO_META_DNS_CAPTURE: 'true', DNS_PROXY_ADDR: '127.0.0.2:53' }).dns).toMatchObject({ addresses: ['127.0.0.2'], port: 53 });
    expect(read({ ISTIO_META_DNS_CAPTURE: 'true', DNS_PROXY_ADDR: '0.0.0.0:15053' }).ok).toBe(false);
  });

  it('follow the environment', () => {
    expect(options({
      PROXY_CONFIG: '{"discoveryAddress":"istiod-basic.mesh.svc:15012","terminationDrainDuration":"1m30s","proxyAdminPort":15001,"serviceCluster":"app.x"}', CA_ADDR: 'ca:1', TRUST_DOMAIN: 'td', ISTIO_DELTA_XDS: 'false',
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true', ISTIO_META_CLUSTER_ID: 'east', ISTIO_PROMETHEUS_ANNOTATIONS: '{"scrape":"true","path":"","port":"8080"}',
    }, {}, { log_output_level: 'default:debug' })).toMatchObject({
      discoveryAddress: 'istiod-basic.mesh.svc:15012', terminationDrainMilliseconds: 90_000, adminPort: 15001, serviceCluster: 'app.x', caAddress: 'ca:1', trustDomain: 'td', deltaXds: false, exitOnZeroActiveConnections: true, clusterId: 'east',
      appMetrics: { port: 8080, path: '/metrics' }, logLevel: 'debug',
    });
  });

  it('name everything that is wrong', () => {
    const result = readProxyOptions({ role: 'sidecar', flags: {}, readFile: () => undefined, environment: { PROXY_CONFIG: '{', ISTIO_METAJSON_X: 'nope', MINIMUM_DRAIN_DURATION: 'soon', ISTIO_KUBE_APP_PROBERS: '{"/other":{}}' } });
    expect(result.ok ? [] : result.error.map((text) => text.split(' ')[0])).toEqual(['PROXY_CONFIG', 'ISTIO_METAJSON_X', 'INSTANCE_IP', 'POD_NAME', 'MINIMUM_DRAIN_DURATION', 'ISTIO_KUBE_APP_PROBERS:']);
  });

  it('hold the original probes', () => {
    const probers = { '/app-health/app/readyz': { httpGet: { path: 'ready', port: 8080, scheme: 'HTTPS', httpHeaders: [{ name: 'Host', value: 'h' }] }, timeoutSeconds: 3 }, '/app-health/app/livez': { tcpSocket: { port: 9 } }, '/app-health/app/startupz': { grpc: { port: 10, service: 's' } } };
    expect(options({ ISTIO_KUBE_APP_PROBERS: JSON.stringify(probers) }).appProbes).toEqual({
      '/app-health/app/readyz': { kind: 'http', path: '/ready', port: 8080, scheme: 'https', host: '', headers: [{ name: 'Host', value: 'h' }], timeoutMilliseconds: 3000 },
      '/app-health/app/livez': { kind: 'tcp', port: 9, timeoutMilliseconds: 1000 },
      '/app-health/app/startupz': { kind: 'grpc', port: 10, service: 's', timeoutMilliseconds: 1000 },
    });
  });
});

describe('the xDS node', () => {
  it('carries identity, labels and metadata in Istio\'s form', () => {
    const node = nodeOf(options({ ISTIO_META_INTERCEPTION_MODE: 'NONE', ISTIO_META_HTTP_PROXY_PORT: '15007', ISTIO_METAJSON_EXTRA: '{"a":1}', ISTIO_META_WORKLOAD_NAME: 'w', SERVICE_ACCOUNT: 'sa' }, {
      '/etc/istio/pod/labels': 'app="reviews"\ntopology.kubernetes.io/region="eu"\ntopology.kubernetes.io/zone="a"\nnote="a\\"b"\n', '/etc/istio/pod/annotations': 'x="1"\n',
    }));
    expect(node).toMatchObject({
      id: 'sidecar~10.1.2.3~p-1.ns~ns.svc.cluster.local', cluster: 'reviews.ns', userAgentName: 'mizzen-proxy', locality: { region: 'eu', zone: 'a', subZone: '' },
      metadata: { INTERCEPTION_MODE: 'NONE', HTTP_PROXY_PORT: '15007', EXTRA: { a: 1 }, NAMESPACE: 'ns', SERVICE_ACCOUNT: 'sa', WORKLOAD_NAME: 'w', CLUSTER_ID: 'Kubernetes', INSTANCE_IPS: '10.1.2.3', LABELS: { app: 'reviews', note: 'a"b' }, ANNOTATIONS: { x: '1' } },
    });
    expect(node.metadata['MIZZEN_VERSION']).toBeTypeOf('string');
  });
});
