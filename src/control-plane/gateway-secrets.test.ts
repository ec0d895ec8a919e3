// Gateways' certificates: who gets them, under which names, and that a changed secret is told.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../test/support/fake-kube-apiserver.ts';
import type { Secret } from '../shared/api/core/cluster.ts';
import { KubeClient, type KubeRequest, type ObjectFollower } from '../shared/kube/index.ts';
import { Secret as SecretMessage } from '../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { parseProxyDescription, type ProxyDescription } from '../mesh/index.ts';
import { GatewaySecrets } from './gateway-secrets.ts';
import { followSecrets } from './ingest/index.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

type Grants = NonNullable<ConstructorParameters<typeof GatewaySecrets>[3]>;

interface World {
  readonly api: FakeKubeApiServer;
  readonly follower: ObjectFollower<Secret>;
  readonly secrets: GatewaySecrets;
  readonly told: string[][];
  readonly asked: unknown[];
}

async function world(allowed = true, grants: Grants = () => [], maximum?: number): Promise<World> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  const asked: unknown[] = [];
  client.request = async (request: KubeRequest) => {
    asked.push((request.body as { spec: unknown }).spec);
    return { status: 201, headers: {}, body: JSON.stringify({ status: { allowed } }) };
  };
  const told: string[][] = [];
  const follower = followSecrets(client, maximum);
  const secrets = new GatewaySecrets(client, follower, (names) => told.push([...names].sort()), grants);
  onTestFinished(async () => {
    await secrets.stop();
    await follower.stop();
    client.close();
    await api.stop();
  });
  const data = { 'tls.crt': encode('CHAIN'), 'tls.key': encode('KEY'), 'ca.crt': encode('ROOTS') };
  api.put('/api/v1/secrets', { metadata: { name: 'shop', namespace: 'front' }, ...{ data } });
  return { api, follower, secrets, told, asked };
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

  test('follows a secret for as long as a gateway asks for it, with one watch for all gateways', async () => {
    const { api, follower, secrets, told } = await world();
    const [first, second] = [proxy(), proxy()];
    await secrets.secretsFor(first, ['kubernetes://shop', 'kubernetes://shop-cacert']);
    await secrets.secretsFor(second, ['kubernetes://shop']);
    // `shop-cacert` may be a secret of its own.
    expect(follower.size).toBe(2);
    secrets.keepOnly(first, new Set(['kubernetes://shop']));
    expect(follower.size).toBe(1);
    secrets.release(first);
    expect(await secrets.secretsFor(first, ['kubernetes://shop'])).toEqual([]);
    expect(follower.size).toBe(1);
    await vi.waitFor(() => expect(api.watcherCount).toBe(1));
    told.length = 0;
    api.put('/api/v1/secrets', { metadata: { name: 'shop', namespace: 'front' }, ...{ data: { 'tls.crt': encode('CHAIN2'), 'tls.key': encode('KEY2') } } });
    await vi.waitFor(() => expect(told).toEqual([['kubernetes://shop']]));
    secrets.release(second);
    expect(follower.size).toBe(0);
    await vi.waitFor(() => expect(api.watcherCount).toBe(0));
  });

  test('follows no more secrets than may be, nothing that is no name, and takes up others when some are given back', async () => {
    const { api, follower, secrets } = await world(true, () => [], 1);
    api.put('/api/v1/secrets', { metadata: { name: 'late', namespace: 'front' }, ...{ data: { 'ca.crt': encode('R'), 'tls.crt': encode('C'), 'tls.key': encode('K') } } });
    const gateway = proxy();
    const given = async (...names: string[]): Promise<string[]> => (await secrets.secretsFor(gateway, names)).map(({ name }) => name);
    expect(await given('kubernetes://', 'kubernetes://a/b', 'kubernetes://x,y')).toEqual([]);
    expect(follower.size).toBe(0);
    expect(await given('kubernetes://shop', 'kubernetes://late')).toEqual(['kubernetes://shop']);
    secrets.keepOnly(gateway, new Set(['kubernetes://late']));
    expect(await given('kubernetes://late')).toEqual(['kubernetes://late']);
  });

  test('lets one gateway not use up what all may follow', async () => {
    const { follower, secrets } = await world();
    const many = Array.from({ length: 501 }, (_, index) => `kubernetes://s${index}`);
    const asking = secrets.secretsFor(proxy(), many);
    await vi.waitFor(() => expect(follower.size).toBe(500));
    await asking;
    expect(follower.size).toBe(500);
  });
});
