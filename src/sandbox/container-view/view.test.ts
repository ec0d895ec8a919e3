import { describe, expect, it } from 'vitest';
import { mapPath, unmapPath } from './file-view.ts';
import { candidates } from './name-view.ts';
import { bindAddress, connectTarget, localhostAddresses, sourceAddress } from './network-view.ts';
import type { ContainerViewConfig } from './view-config.ts';

const config: ContainerViewConfig = {
  podIp: '127.10.1.5', loopback: '127.110.1.5', wildcard: '127.10.1.5', hostname: 'pod', nameServer: '127.10.0.10:10053', search: [], hosts: {},
  prefix: '127.10.', loopbackPrefix: '127.110.', apiServer: { address: '127.10.0.1', port: 6443 }, mounts: [['/var/run/secrets/token', '/host/token'], ['/var/run', '/host/run'], ['/tmp', '/tmp/sandbox/v/tmp']], kept: ['/tmp/sandbox', '/tmp/checkout'],
};

describe('the container view', () => {
  it('binds wildcards at the pod IP and loopback at the pod\'s own', () => {
    expect(['0.0.0.0', '::', '127.0.0.1', '::1', '127.10.1.5', '10.0.0.1'].map((address) => bindAddress(config, address))).toEqual(['127.10.1.5', '127.10.1.5', '127.110.1.5', '127.110.1.5', '127.10.1.5', '10.0.0.1']);
  });

  it('changes only loopback, low ports of ClusterIPs and the API server', () => {
    const to = (address: string, port: number): string => Object.values(connectTarget(config, address, port)).join(':');
    expect(to('127.0.0.1', 80)).toBe('127.110.1.5:80');
    expect(to('127.10.128.7', 80)).toBe('127.10.128.7:30080');
    expect(to('127.10.128.7', 8080)).toBe('127.10.128.7:8080');
    expect(to('127.10.2.7', 80)).toBe('127.10.2.7:80');
    expect(to('127.10.0.1', 443)).toBe('127.10.0.1:6443');
    expect(to('127.11.128.7', 80)).toBe('127.11.128.7:80');
  });

  it('tries the pod IP for localhost too, but for a sidecar that looks for its application', () => {
    expect(localhostAddresses(config, 8080)).toEqual(['127.110.1.5', '127.10.1.5']);
    expect(localhostAddresses({ ...config, takesInbound: true }, 8080)).toEqual(['127.110.1.5']);
    expect(localhostAddresses({ ...config, takesInbound: true }, 15_020)).toEqual(['127.110.1.5', '127.10.1.5']);
  });

  it('connects from the pod IP, or from the pod\'s loopback to it, and leaves what is outside alone', () => {
    expect(['127.10.2.7', '127.10.0.1', '127.110.1.5', '127.11.1.1', '127.1.10.1', '10.0.0.1'].map((address) => sourceAddress(config, address))).toEqual(['127.10.1.5', '127.10.1.5', '127.110.1.5', undefined, undefined, undefined]);
  });

  it('maps paths below mounts, the longest first, and back', () => {
    expect(['/var/run/secrets/token/ca', '/var/run/secrets/tokens', '/var/running', '/var/run', 'var/run'].map((path) => mapPath(config, path))).toEqual(['/host/token/ca', '/host/run/secrets/tokens', '/var/running', '/host/run', 'var/run']);
    expect(unmapPath(config.mounts, '/host/token/ca')).toBe('/var/run/secrets/token/ca');
    expect(unmapPath(config.mounts, '/host/tokens')).toBe('/host/tokens');
  });

  it('leaves volumes and the program alone when they lie below a mount path', () => {
    expect(['/tmp/file', '/tmp/sandbox/v/tmp/file', '/tmp/checkout/templates', '/tmp/checkouts'].map((path) => mapPath(config, path))).toEqual(['/tmp/sandbox/v/tmp/file', '/tmp/sandbox/v/tmp/file', '/tmp/checkout/templates', '/tmp/sandbox/v/tmp/checkouts']);
  });

  it('searches short names and asks for complete ones at once', () => {
    const search = ['ns.svc.cluster.local', 'svc.cluster.local'];
    expect(candidates('web', search)).toEqual(['web.ns.svc.cluster.local', 'web.svc.cluster.local', 'web']);
    expect(candidates('web.ns.svc.cluster.local', search)[0]).toBe('web.ns.svc.cluster.local');
    expect(candidates('web.', search)).toEqual(['web']);
  });
});
