import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from './mesh-config.ts';

describe('parseMeshConfig', () => {
  it('gives Istio\'s defaults for nothing at all', () => {
    for (const data of [undefined, null, {}]) {
      expect(parseMeshConfig(data)).toMatchObject({ ok: true, value: { proxyListenPort: 15001, proxyInboundListenPort: 15006, enableAutoMtls: true, trustDomain: 'cluster.local', outboundTrafficPolicy: { mode: 'ALLOW_ANY' }, defaultConfig: { statusPort: 15020, drainDuration: '45s' } } });
    }
  });

  it('keeps what is set beside the defaults', () => {
    expect(parseMeshConfig({ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' }, defaultConfig: { tracing: { sampling: 100 } } })).toMatchObject({ ok: true, value: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' }, defaultConfig: { tracing: { sampling: 100 }, proxyAdminPort: 15000 } } });
  });

  it('names the field that is wrong', () => {
    const parsed = parseMeshConfig({ defaultConfig: { proxyAdminPort: 'x' } });
    expect(parsed.ok ? [] : parsed.error.map(({ path }) => path)).toEqual(['defaultConfig.proxyAdminPort']);
  });
});
