import { describe, expect, it } from 'vitest';
import { checkAnnotations, isTrue } from './annotation-rules.ts';

const traffic = 'traffic.sidecar.istio.io';

describe('checkAnnotations', () => {
  it.each([
    [`${traffic}/excludeInboundPorts`, '80, 443'], [`${traffic}/excludeInboundPorts`, ''], [`${traffic}/includeInboundPorts`, '*'], [`${traffic}/includeOutboundIPRanges`, '10.0.0.0/8,fd00::/8'], [`${traffic}/includeOutboundIPRanges`, '*'],
    [`${traffic}/excludeInterfaces`, 'eth1,net1'], ['sidecar.istio.io/proxyCPU', '100m'], ['sidecar.istio.io/proxyMemory', '1.5Gi'], ['sidecar.istio.io/proxyCPULimit', '2'], ['sidecar.istio.io/nativeSidecar', 'True'], ['sidecar.istio.io/logLevel', 'warning'],
    ['somebody.example/else', 'whatever; he likes'],
  ])('takes %s: %j', (name, value) => {
    expect(checkAnnotations({ [name]: value })).toEqual([]);
  });

  it.each([
    [`${traffic}/excludeInboundPorts`, 'abc;rm -rf /'], [`${traffic}/excludeInboundPorts`, '99999'], [`${traffic}/excludeInboundPorts`, '0'], [`${traffic}/excludeOutboundPorts`, '0-65535'], [`${traffic}/excludeOutboundPorts`, '*'],
    [`${traffic}/includeOutboundIPRanges`, '1.2.3.4/99'], [`${traffic}/excludeOutboundIPRanges`, '*'], [`${traffic}/excludeInterfaces`, '-A FORWARD'], ['sidecar.istio.io/proxyCPU', '-1'], ['sidecar.istio.io/proxyCPU', '1 \n foo: bar'],
    ['sidecar.istio.io/nativeSidecar', 'maybe'], ['sidecar.istio.io/rewriteAppHTTPProbers', 'yes'], ['sidecar.istio.io/logLevel', 'x y --flag'],
  ])('refuses %s: %j, naming it', (name, value) => {
    expect(checkAnnotations({ [name]: value })).toMatchObject([{ level: 'error', path: `metadata.annotations[${name}]` }]);
  });

  it('reads flags as Istio does', () => {
    expect(['true', '1', 'T', 'false', '0', 'TRUE'].map(isTrue)).toEqual([true, true, true, false, false, true]);
  });
});
