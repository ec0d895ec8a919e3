// Gateways' certificates: who gets them, under which names, and that a changed secret is told.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../test/support/fake-kube-apiserver.ts';
import { KubeClient, type KubeRequest } from '../shared/kube/index.ts';
import { Secret as SecretMessage } from '../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { parseProxyDescription, type ProxyDescription } from '../mesh/index.ts';
import { GatewaySecrets } from './gateway-secrets.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

type Grants = NonNullable<ConstructorParameters<typeof GatewaySecrets>[2]>;

async function world(allowed = true, grants: Grants = () => []): Promise<{ api: FakeKubeApiServer; secrets: GatewaySecrets; told: string[][]; asked: unknown[] }> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  const asked: unknown[] = [];
  client.request = async (request: KubeRequest) => {
    asked.push((request.body as { spec: unknown }).spec);
    return { status: 201, headers: {}, body: JSON.stringify({ status: { allowed } }) };
  };
  const told: string[][] = [];
  const secrets = new GatewaySecrets(client, (names) => told.push([...names].sort()), grants);
  onTestFinished(async () => {
    await secrets.stop();
    client.close();
    await api.stop();
  });
  const data = { 'tls.crt': encode('CHAIN'), 'tls.key': encode('KEY'), 'ca.crt': encode('ROOTS') };
  api.put('/api/v1/secrets', { metadata: { name: 'shop', namespace: 'front' }, ...{ data } });
  return { api, secrets, told, asked };
}

function proxy(type = 'router', namespace = 'front', labels = {}): ProxyDescription {
  const parsed = parseProxyDescription({ id: `${type}~10.0.0.1~gw.${namespace}~${namespace}.svc.cluster.local`, metadata: { NAMESPACE: namespace, SERVICE_ACCOUNT: 'gw', LABELS: labels } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

describe('GatewaySecrets', () => {
  test('gives a gateway that may list secrets its certificate and the authority for its clients', async () => {
    const { secrets, asked } = await world();
    const resources = await secrets.secretsFor(proxy(), ['kubernetes://shop', 'kubernetes://shop-cacert', 'kubernetes://none', 'default']);
    expect(resources.map(({ name }) => name)).toEqual(['kubernetes://shop', 'kubernetes://shop-cacert']);
    const [certificate, authority] = resources.map((resource) => SecretMessage.decode(resource.encode()));
    expect(JSON.stringify(certificate?.type)).toContain('tlsCertificate');
    expect(certificate?.type?.$case === 'tlsCertificate' ? certificate.type.tlsCertificate.privateKey?.specifier : undefined).toEqual({ $case: 'inlineBytes', inlineBytes: new Uint8Array(Buffer.from('KEY')) });
    expect(authority?.type?.$case === 'validationContext' ? authority.type.validationContext.trustedCa?.specifier : undefined).toEqual({ $case: 'inlineBytes', inlineBytes: new Uint8Array(Buffer.from('ROOTS')) });
    expect(asked).toMatchObject([{ user: 'system:serviceaccount:front:gw', resourceAttributes: { verb: 'list', resource: 'secrets', namespace: 'front' } }]);
  });

  test('gives nothing to a gateway that may not, to a sidecar, or from another namespace', async () => {
    expect(await (await world(false)).secrets.secretsFor(proxy(), ['kubernetes://shop'])).toEqual([]);
    const { secrets } = await world();
    expect(await secrets.secretsFor(proxy('sidecar'), ['kubernetes://shop'])).toEqual([]);
    expect(await secrets.secretsFor(proxy('router', 'other'), ['kubernetes://shop'])).toEqual([]);
  });

  test('tells which resources changed, and a changed secret has another version', async () => {
    const { api, secrets, told } = await world();
    const [before] = await secrets.secretsFor(proxy(), ['kubernetes://shop']);
    api.put('/api/v1/secrets', { metadata: { name: 'shop', namespace: 'front' }, ...{ data: { 'tls.crt': encode('CHAIN2'), 'tls.key': encode('KEY2') } } });
    await vi.waitFor(() => expect(told.at(-1)).toEqual(['kubernetes://shop']));
    const [afterwards] = await secrets.secretsFor(proxy(), ['kubernetes://shop']);
    expect(afterwards?.version).not.toBe(before?.version);
  });

  test('gives a gateway of the Gateway API what its listeners may use, from other namespaces too, and nobody else', async () => {
    const grant = (serviceAccount: string | undefined): ReturnType<Grants> => [{ namespace: 'edge', gateway: 'public', serviceAccount, secrets: ['front/shop'] }];
    const label = { 'gateway.networking.k8s.io/gateway-name': 'public' };
    const names = ['kubernetes-gateway://front/shop', 'kubernetes-gateway://front/other'];
    const given = async (asks: ProxyDescription, serviceAccount: string | undefined, allowed = false) => (await (await world(allowed, () => grant(serviceAccount))).secrets.secretsFor(asks, names)).map(({ name }) => name);
    expect(await given(proxy('router', 'edge', label), 'gw')).toEqual(['kubernetes-gateway://front/shop']);
    // A workload of the user's: its account must be allowed to list secrets.
    expect([await given(proxy('router', 'edge', label), undefined), await given(proxy('router', 'edge', label), undefined, true)]).toEqual([[], ['kubernetes-gateway://front/shop']]);
    expect(await given(proxy('router', 'edge', label), 'public-istio', true)).toEqual([]);
    expect([await given(proxy('router', 'edge'), 'gw'), await given(proxy('router', 'front', label), 'gw'), await given(proxy('sidecar', 'edge', label), 'gw')]).toEqual([[], [], []]);
  });
});
