// The mesh configuration file: what is in force, and what is said of what is not.
import { describe, expect, it } from 'vitest';
import { MeshConfigSource } from './mesh-config-source.ts';

function take(content: string): MeshConfigSource {
  const source = new MeshConfigSource({ rootNamespace: 'istio-system', discoveryAddress: 'istiod.istio-system.svc:15012' });
  source.take(content);
  return source;
}

const found = (content: string): string[] => take(content).issues.map(({ level, code, path }) => `${level} ${code} ${path ?? ''}`);

describe('MeshConfigSource', () => {
  it('says nothing of what the operator writes', () => {
    expect(found('rootNamespace: istio-system\nenableAutoMtls: true\nenableTracing: false\ningressControllerMode: OFF\ndnsRefreshRate: 300s\nprotocolDetectionTimeout: 5s\noutboundTrafficPolicy:\n  mode: ALLOW_ANY\nmeshMTLS:\n  minProtocolVersion: TLSV1_3\n  cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]\ndefaultConfig:\n  interceptionMode: NONE\n  meshId: mesh\n  proxyMetadata:\n    HTTP_PROXY_PORT: "15007"\n  tracing:\n    sampling: 100\n')).toEqual([]);
  });

  it.each([
    ['discoverySelectors:\n  - matchLabels: { a: b }', 'error MESH_NOT_ENFORCED discoverySelectors'],
    ['meshMTLS:\n  ecdhCurves: [P-256]', 'error MESH_NOT_ENFORCED meshMTLS.ecdhCurves'],
    ['caCertificates:\n  - pem: x', 'warning MESH_UNKNOWN_FIELD caCertificates'],
    ['defaultConfig:\n  proxyAdminPrt: 1', 'warning MESH_UNKNOWN_FIELD defaultConfig.proxyAdminPrt'],
    ['inboundTrafficPolicy:\n  mode: LOCALHOST', 'warning MESH_NOT_ENFORCED inboundTrafficPolicy.mode'],
    ['defaultConfig:\n  gatewayTopology: { numTrustedProxies: 1, forwardClientCertDetails: SANITIZE }', 'warning MESH_NOT_ENFORCED defaultConfig.gatewayTopology.forwardClientCertDetails'],
    ['extensionProviders:\n  - name: a\n    opentelemetry: { service: a, port: 1 }', 'warning MESH_NOT_ENFORCED extensionProviders[0].opentelemetry'],
  ])('is in force and reports %j', (content, expected) => {
    expect(found(`trustDomain: east.example\n${content}`)).toEqual([expected]);
    expect(take(`trustDomain: east.example\n${content}`).current.trustDomain).toBe('east.example');
  });

  it('keeps the last good file when a new one is broken, and forgets the issues with it', () => {
    const source = take('trustDomain: east.example');
    source.take('trustDomain: [');
    expect([source.current.trustDomain, source.issues.map(({ level }) => level)]).toEqual(['east.example', ['error']]);
    source.take('trustDomain: 7');
    expect([source.current.trustDomain, source.issues.map(({ path }) => path)]).toEqual(['east.example', ['trustDomain']]);
    source.take('trustDomain: west.example');
    expect([source.current.trustDomain, source.issues]).toEqual(['west.example', []]);
  });
});
