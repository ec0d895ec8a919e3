import { describe, expect, it } from 'vitest';
import { parseProxyDescription } from './proxy-description.ts';

describe('parseProxyDescription', () => {
  it('reads Istio\'s node id and metadata, whose flags are strings', () => {
    const parsed = parseProxyDescription({
      id: 'sidecar~10.0.0.1~reviews.bookinfo~bookinfo.svc.cluster.local',
      locality: { region: 'r', zone: 'z' },
      metadata: { INSTANCE_IPS: '10.0.0.1,fd00::1', INTERCEPTION_MODE: 'NONE', HTTP_PROXY_PORT: '15007', BIND_INBOUND: 'true', LABELS: { app: 'reviews' }, SERVICE_ACCOUNT: 'sa', CLUSTER_ID: 'c1', MIZZEN_VERSION: '3.0.0' },
    });
    expect(parsed.ok && parsed.value).toMatchObject({
      id: 'reviews.bookinfo', type: 'sidecar', namespace: 'bookinfo', ipAddresses: ['10.0.0.1', 'fd00::1'], serviceAccount: 'sa', locality: 'r/z', isMizzen: true,
      metadata: { interceptionMode: 'NONE', httpProxyPort: 15007, bindInbound: true, clusterId: 'c1' },
    });
  });

  it.each(['', 'sidecar~1.1.1.1~a.b', 'ztunnel~1.1.1.1~a.b~c', 'sidecar~~a.b~c', 'sidecar~1.1.1.1~a~c'])('refuses the node id %j', (id) => {
    const parsed = parseProxyDescription({ id });
    expect(parsed.ok).toBe(false);
  });
});
