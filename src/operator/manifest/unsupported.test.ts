import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { readTextFiles } from '../template-files.ts';
import { parseVersionRegistry } from '../versions/index.ts';
import { FIELDS_IN_FORCE } from './fields-in-force.ts';
import { mergeMissing, renderControlPlane, unsupportedFields, type Facts } from './index.ts';

const registry = parseVersionRegistry(readTextFiles(join(import.meta.dirname, '../../../templates')));
const facts: Facts = { namespace: 'istio-system', name: 'basic', uid: 'u', meshGeneration: '3.1.0-1', rootCertificate: 'root', platform: 'kubernetes' };

/** What every field is tried upon: all that can be switched on is on. */
const base = {
  version: 'v3.1', gateways: { additionalIngress: { any: { enabled: true } }, additionalEgress: { any: { enabled: true } } }, proxy: { networking: { initialization: { type: 'CNI' } } },
};

/** A value other than what the profiles say, by the path's end; numbers and switches are told by name. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  version: 'v3.0', profiles: ['small'], mode: 'ClusterWide', replicas: 3, 'strategy.type': 'Recreate', 'autoScaling.enabled': false, 'podDisruption.enabled': false, minReplicas: 2, maxReplicas: 9, targetCPUUtilizationPercentage: 33, maxSurge: 1, maxUnavailable: 1, minAvailable: 2,
  nodeSelector: { a: 'b' }, tolerations: [{ key: 'k' }], affinity: { podAffinity: {} }, labels: { a: 'b' }, annotations: { a: 'b' }, resources: { requests: { cpu: '7m' } }, env: { A: 'b' }, componentLevels: { default: 'debug' },
  validationMessages: true, encoding: 'JSON', adminPort: 15999, 'initialization.type': 'InitContainer', interceptionMode: 'TPROXY', includedPorts: ['1'], excludedPorts: [1], includedIPRanges: ['10.0.0.0/8'], excludedIPRanges: ['10.0.0.0/8'],
  policy: 'REGISTRY_ONLY', imagePullPolicy: 'Always', imagePullSecrets: [{ name: 'pull' }], rewriteApplicationProbes: false, initialDelaySeconds: 9, periodSeconds: 9, failureThreshold: 9, autoInject: true, alwaysInjectSelector: [{ matchLabels: { a: 'b' } }],
  neverInjectSelector: [{ matchLabels: { a: 'b' } }], injectedAnnotations: { a: 'b' }, additionalDomains: ['x'], minProtocolVersion: 'TLSv1_3', mtls: true, automtls: false, manageNetworkPolicy: false, sampling: 7, 'tracing.type': 'Jaeger', scrape: false, extensionProviders: [{ name: 'x', prometheus: {} }],
  'gateways.enabled': false, 'ingress.enabled': false, 'egress.enabled': false, 'additionalIngress.any.enabled': false, 'additionalEgress.any.enabled': false, volumes: [{ volume: { name: 'v', emptyDir: {} }, volumeMount: { name: 'v', mountPath: '/v' } }],
  service: { type: 'NodePort' }, 'techPreview.meshConfig': { accessLogFile: '/dev/stdout' }, refreshRate: '9s',
};

function sampleOf(path: string): unknown {
  const names = path.split('.');
  const known = names.map((_, index) => names.slice(index).join('.')).find((end) => end in SAMPLES);
  return known === undefined ? 'changed' : SAMPLES[known];
}

function specWith(path: string, value: unknown): ControlPlaneSpec {
  const over = path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>;
  return mergeMissing(over, base) as ControlPlaneSpec;
}

function manifests(spec: ControlPlaneSpec): string {
  const result = renderControlPlane(registry, spec, facts);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return JSON.stringify(result.value.waves);
}

describe('every field that counts as in force', () => {
  // The deadline is the reconciler's: see the operator's test of a roll-back.
  const rendered = FIELDS_IN_FORCE.filter((path) => path !== 'techPreview.upgrade.waveDeadlineSeconds').map((path) => path.replace('*', 'any'));
  const unchanged = manifests(base as ControlPlaneSpec);
  it.each(rendered)('%s changes the manifests', (path) => {
    const spec = specWith(path, sampleOf(path));
    expect(manifests(spec)).not.toBe(unchanged);
    expect(unsupportedFields(spec)).toEqual([]);
  });
});

describe('unsupportedFields', () => {
  it.each([
    ['security.certificateAuthority.istiod.type', 'PrivateKey'], ['security.certificateAuthority.istiod.selfSigned.ttl', '1h'], ['security.certificateAuthority.istiod.privateKey.rootCADir', '/etc'], ['security.certificateAuthority.custom.address', 'ca:1'],
    ['security.controlPlane.mtls', false], ['security.controlPlane.certProvider', 'Kubernetes'], ['security.controlPlane.tls.maxProtocolVersion', 'TLSv1_2'], ['security.controlPlane.tls.cipherSuites', ['A']], ['security.controlPlane.tls.ecdhCurves', ['P-256']],
    ['security.identity.type', 'ThirdParty'], ['security.identity.thirdParty.issuer', 'https://issuer'], ['meshConfig.discoverySelectors', [{ matchLabels: { a: 'b' } }]], ['proxy.networking.protocol.autoDetect.timeout', '5s'], ['proxy.networking.protocol.autoDetect.inbound', false],
    ['proxy.networking.dns.searchSuffixes', ['x']], ['proxy.runtime.readiness.statusPort', 15021], ['gateways.openshiftRoute.enabled', true], ['gateways.ingress.routeConfig.enabled', true], ['addons.jaeger.name', 'jaeger'], ['addons.kiali.enabled', true],
    ['addons.prometheus.address', 'http://prometheus'], ['telemetry.type', 'Remote'], ['runtime.components.kiali.container.imageName', 'k'], ['techPreview.anything', 1], ['proxy.envoyMetricsService.enabled', true], ['runtime.defaults.container.resources', { requests: { cpu: '1' } }], ['runtime.defaults.pod.metadata.labels.a', 'b'], ['general.logging.logAsJSON', false], ['proxy.concurrency', 2], ['proxy.logging.componentLevels.misc', 'error'], ['gateways.egress.requestedNetworkView', ['n']], ['gateways.ingress.routerMode', 'sni-dnat'],
  ])('names %s', (path, value) => {
    const [named, ...others] = unsupportedFields(specWith(path, value));
    expect(others).toEqual([]);
    expect(`spec.${path}`.startsWith(named ?? 'nothing')).toBe(true);
  });

  it('says nothing of what asks for nothing: defaults of the webhook, things switched off', () => {
    expect(unsupportedFields({ version: 'v3.1', profiles: ['default'], gateways: { openshiftRoute: { enabled: false }, ingress: { routeConfig: { enabled: false } } }, tracing: { type: 'None' }, policy: { type: 'None' }, telemetry: { type: 'Istiod' }, addons: { grafana: { enabled: false }, jaeger: {} }, security: { certificateAuthority: { type: 'Istiod' } } })).toEqual([]);
  });
});
