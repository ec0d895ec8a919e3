import { describe, expect, it } from 'vitest';
import type { StoredObject } from '../api-server/internal-client.ts';
import { sliceContents } from './endpoint-slice.ts';

const meta = (name: string): StoredObject['metadata'] => ({ name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp: '' });

function service(spec: object): StoredObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: meta('web'), spec: { ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec } };
}

function pod(name: string, ip: string, options: { ready?: boolean; deleted?: boolean; phase?: string; port?: number; spec?: object } = {}): StoredObject {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { ...meta(name), ...(options.deleted ? { deletionTimestamp: 'now' } : {}) },
    spec: { nodeName: 'node', containers: [{ name: 'main', ports: [{ name: 'web', containerPort: options.port ?? 8080 }] }], ...options.spec },
    status: { podIP: ip, phase: options.phase ?? 'Running', conditions: [{ type: 'Ready', status: options.ready === false ? 'False' : 'True' }] },
  };
}

describe('sliceContents', () => {
  it('tells ready, serving and terminating apart, and leaves ended pods out', () => {
    const [slice] = sliceContents(service({}), [pod('a', '1'), pod('b', '2', { ready: false }), pod('c', '3', { deleted: true }), pod('d', '4', { phase: 'Failed' })]);
    expect(slice?.endpoints.map((entry) => entry.conditions)).toEqual([
      { ready: true, serving: true, terminating: false }, { ready: false, serving: false, terminating: false }, { ready: false, serving: true, terminating: true },
    ]);
  });

  it('takes pods that are not ready for ready when the service publishes them', () => {
    const [slice] = sliceContents(service({ publishNotReadyAddresses: true }), [pod('b', '2', { ready: false })]);
    expect(slice?.endpoints[0].conditions).toEqual({ ready: true, serving: false, terminating: false });
  });

  it('resolves a named port in each pod, so that pods with other numbers get a slice of their own', () => {
    const slices = sliceContents(service({}), [pod('a', '1'), pod('b', '2', { port: 9090 }), pod('c', '3')]);
    expect(slices.map((slice) => [slice.ports, slice.endpoints.map((entry) => entry.addresses[0])])).toEqual([
      [[{ name: 'http', port: 8080, protocol: 'TCP' }], ['1', '3']], [[{ name: 'http', port: 9090, protocol: 'TCP' }], ['2']],
    ]);
  });

  it('finds the ports of native sidecars and names pods of a subdomain', () => {
    const spec = { hostname: 'one', subdomain: 'web', containers: [{ name: 'main' }], initContainers: [{ name: 'side', restartPolicy: 'Always', ports: [{ name: 'web', containerPort: 7070 }] }] };
    const [slice] = sliceContents(service({}), [pod('a', '1', { spec })]);
    expect(slice?.ports[0]?.port).toBe(7070);
    expect(slice?.endpoints[0].hostname).toBe('one');
  });

  it('makes an empty slice for a service without pods', () => {
    expect(sliceContents(service({}), [])).toEqual([{ ports: [], endpoints: [] }]);
  });
});
