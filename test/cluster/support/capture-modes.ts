// What a way of capture has to hold up to, whoever set it up: the init container or the CNI plugin. For a namespace with a meshed `client` and a meshed `web`.
import { expect, vi } from 'vitest';
import type { TestNamespace } from './test-namespace.ts';
import { clientPod, httpbinPod, service } from './workloads.ts';

const MESH_ADDRESS = '240.77.0.1';

/** With TPROXY the application sees the address of the client's pod, with REDIRECT that of its own proxy. */
export async function expectClientAddressWithTproxy(space: TestNamespace, nodeName: string): Promise<void> {
  await space.apply([
    httpbinPod('transparent', { sidecar: true, nodeName, annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } }), service('transparent', [{ name: 'http', port: 80, targetPort: 8080 }]),
  ]);
  await space.ready('app=transparent');
  const client = (await space.get<{ status: { podIP: string } }>('pod', 'client')).status.podIP;
  const origin = async (host: string): Promise<string> => {
    const answer = await space.request('client', `http://${host}/ip`, { container: 'client' });
    expect(answer).toMatchObject({ status: 200 });
    return (JSON.parse(answer.body) as { origin: string }).origin.replace('::ffff:', '');
  };
  await vi.waitFor(async () => expect(await origin('transparent')).toBe(client), { timeout: 20_000, interval: 500 });
  expect(await origin('web')).not.toBe(client);
}

/** A pod that asks for it resolves names that only the mesh knows; others do not, and names that the mesh does not know go on to the cluster's server: `elsewhere` is a URL at such a name. */
export async function expectDnsCapture(space: TestNamespace, elsewhere: string): Promise<void> {
  await space.apply([
    { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 'known-to-the-mesh' }, spec: { hosts: ['known.mesh.example'], addresses: [MESH_ADDRESS], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] } },
    clientPod('looks-up', { sidecar: true, annotations: { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}' } }),
  ]);
  await space.ready('app=looks-up');
  const addressOf = async (pod: string): Promise<string> => (await space.exec(pod, ['curl', '--silent', '--output', '/dev/null', '--max-time', '3', '--write-out', '%{remote_ip}', 'http://known.mesh.example/'], { container: 'client' })).stdout;
  await vi.waitFor(async () => expect(await addressOf('looks-up')).toBe(MESH_ADDRESS), { timeout: 30_000, interval: 500 });
  expect(await addressOf('client')).toBe('');
  expect(await space.request('looks-up', elsewhere, { container: 'client' })).toMatchObject({ status: 200 });
}
