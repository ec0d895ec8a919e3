// Our proxy under a real istiod: pods in network namespaces whose traffic is captured, so that Istio's own virtual listeners serve it, with certificates of istiod's CA. Nothing that istiod sends is refused, over either
// variant of the protocol, and requests go where Istio's rules say. Beside istiod stands the sandbox's API server.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../../src/shared/pki/index.ts';
import { provideGoProgram } from '../../tools/peers/index.ts';
import { missingForNamespaces } from '../netns/support/pod-network.ts';
import { tokenIssuer } from '../support/token-issuer.ts';
import type { Echo } from './applications.ts';
import { Istiod, type KubeObject } from './istiod/istiod.ts';
import { IstiodMesh, serviceObjects, type ClientReply, type ClientRequest, type MeshPod, type PodSpec } from './istiod/mesh.ts';
import { HOST_ADDRESS, PodNamespaces } from './istiod/pod-namespaces.ts';

const missing = missingForNamespaces();
if (missing !== '' && process.env['CI'] === 'true') throw new Error(`istiod.test.ts cannot run here: ${missing}`);
if (missing !== '') process.stderr.write(`istiod.test.ts: left out, ${missing}\n`);

const NAMESPACE = 'shop';
const WEB = 'http://web.shop.svc.cluster.local';
const RULES = readFileSync(join(import.meta.dirname, 'istiod/rules.yaml'), 'utf8');
const STRICT = 'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default }\nspec: { mtls: { mode: STRICT } }\n';
const CORPUS = ['destination-rules', 'gateways', 'registry', 'security', 'virtual-services'].flatMap((file) => readFileSync(join(import.meta.dirname, `corpus/${file}.yaml`), 'utf8').split(/^# === /m).slice(1).map((text) => {
  const end = text.indexOf('\n');
  return { name: `${file}: ${text.slice(0, end)}`, yaml: text.slice(end + 1) };
}));

/** One client speaks delta, the other the state of the world, and so do both servers. */
const PODS: readonly PodSpec[] = [
  { app: 'client', version: 'v1', last: 11, kind: 'sidecar', delta: true }, { app: 'client', version: 'v2', last: 12, kind: 'sidecar', delta: false },
  { app: 'web', version: 'v1', last: 13, kind: 'sidecar', delta: true }, { app: 'web', version: 'v2', last: 14, kind: 'sidecar', delta: false },
  { app: 'plain', version: 'v1', last: 15, kind: 'plain' },
  { app: 'istio-ingressgateway', version: 'v1', last: 16, kind: 'router', labels: { istio: 'ingressgateway' } },
];
const HTTP = { name: 'http', port: 80, targetPort: 8080 };
const TCP = { name: 'tcp', port: 9000 };
const CLIENTS = [{ client: 'client-v1', variant: 'delta' }, { client: 'client-v2', variant: 'state of the world' }];

/** The answer with what its application saw. */
function echoOf(reply: ClientReply): Echo & { readonly status: number } {
  if (reply.status !== 200) throw new Error(`no echo: ${JSON.stringify(reply)}`);
  return { ...(JSON.parse(reply.body) as Echo), status: reply.status };
}

/** What a connection to a TCP server gives. */
const GREET = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), process.argv[1]);
let text = '';
socket.setTimeout(5000, () => socket.destroy()).on('error', (error) => (text += error.code)).on('data', (data) => {
  if (text === '') socket.write('how are you');
  text += data;
  if (text.includes('echo')) socket.end();
}).on('close', () => process.stdout.write(text));
`;

describe.skipIf(missing !== '')('our proxy under a real istiod', () => {
  let folder: string;
  let istiod: Istiod;
  let networks: PodNamespaces;
  let gatewayRoot: string;
  const pods = new Map<string, MeshPod>();
  const issuer = tokenIssuer();
  const pod = (name: string): MeshPod => pods.get(name) ?? expect.fail(`no pod ${name}`);
  const meshed = (): readonly MeshPod[] => [...pods.values()].filter(({ spec }) => spec.kind !== 'plain');
  const refused = async (): Promise<unknown[]> => (await Promise.all(meshed().map(async (each) => ({ pod: each.name, report: await each.syncz() })))).flatMap(({ pod: name, report }) => [...report.refused, ...report.rejected].map((what) => ({ name, what })));

  /** Puts objects in force everywhere. */
  const apply = async (yaml: string): Promise<readonly KubeObject[]> => {
    const objects = await istiod.applyYaml(yaml, NAMESPACE);
    await istiod.settled();
    return objects;
  };
  const remove = async (objects: readonly KubeObject[]): Promise<void> => {
    await istiod.remove(...objects);
    await istiod.settled();
  };

  beforeAll(async () => {
    const peer = await provideGoProgram('istiod');
    if (!peer.found) throw new Error(peer.reason);
    folder = mkdtempSync(join(tmpdir(), 'istiod-'));
    // The proxies write there, who are not root.
    chmodSync(folder, 0o777);
    networks = new PodNamespaces(['istiod.istio-system.svc']);
    istiod = await Istiod.start({ binary: peer.path, folder, address: HOST_ADDRESS, second: 219 });
    await istiod.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
    gatewayRoot = await gatewayCertificate(istiod);
    const mesh = new IstiodMesh(istiod, networks, NAMESPACE);
    for (const spec of PODS) pods.set(`${spec.app}-${spec.version}`, await mesh.add(spec));
    const all = [...pods.values()];
    await istiod.apply(
      ...serviceObjects('web', NAMESPACE, '10.94.0.20', [HTTP, TCP, { name: 'auto', port: 8081, targetPort: 8080 }], all), ...serviceObjects('plain', NAMESPACE, '10.94.0.21', [HTTP, TCP], all),
      ...serviceObjects('client', NAMESPACE, '10.94.0.22', [HTTP], all), ...serviceObjects('istio-ingressgateway', NAMESPACE, '10.94.0.23', [{ name: 'http', port: 8080 }, { name: 'https', port: 8443 }], all),
    );
    await istiod.settled();
    await Promise.all(meshed().map((each) => mesh.startProxy(each)));
  }, 1_800_000);

  afterAll(async () => {
    await networks?.close();
    await istiod?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  describe('without rules', () => {
    it('nothing that istiod sends is refused, and Istio\'s own listeners are in force', async () => {
      expect(await refused()).toEqual([]);
      expect(await istiod.rejections()).toEqual([]);
      const listeners = await pod('client-v1').admin('/listeners');
      expect(listeners).toContain('virtualOutbound');
      expect(listeners).toContain('virtualInbound');
    });

    it('the certificate is istiod\'s, for the pod\'s ServiceAccount', async () => {
      expect(await pod('web-v1').admin('/certs')).toContain('spiffe://cluster.local/ns/shop/sa/web');
    });

    it.each(CLIENTS)('a service is found by the name that istiod told, and asked by mutual TLS ($variant)', async ({ client }) => {
      const [byName, undeclared, outside] = await pod(client).ask({ url: `${WEB}/a` }, { url: `${WEB}:8081/b` }, { url: 'http://plain.shop.svc.cluster.local/c' });
      for (const reply of [byName, undeclared]) {
        const certificate = echoOf(reply as ClientReply).headers['x-forwarded-client-cert'];
        expect(certificate).toContain('By=spiffe://cluster.local/ns/shop/sa/web');
        expect(certificate).toContain('URI=spiffe://cluster.local/ns/shop/sa/client');
      }
      expect(echoOf(outside as ClientReply)).toMatchObject({ name: 'plain-v1', url: '/c' });
      expect(echoOf(outside as ClientReply).headers['x-forwarded-client-cert']).toBeUndefined();
    });

    it('a stranger without a certificate is let in, since nothing says STRICT', async () => {
      expect(echoOf(await pod('plain-v1').askOne({ url: `http://${pod('web-v1').network.address}:8080/x` })).name).toBe('web-v1');
    });

    it.each(CLIENTS)('TCP goes by mutual TLS, to servers that speak first ($variant)', async ({ client }) => {
      const spoken = await pod(client).network.script(GREET, '10.94.0.20', '9000');
      expect(spoken).toMatch(/^hello from web-v[12]\necho how are you$/);
      expect((await pod(client).metrics()).split('\n').find((line) => line.startsWith('istio_tcp_connections_opened_total{') && line.includes('destination_service_name="web"'))).toContain('connection_security_policy="unknown"');
    });
  });

  describe('under rules', () => {
    beforeAll(async () => {
      await apply(`${RULES}---\n${JSON.stringify({
        apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', metadata: { name: 'tokens' },
        spec: { selector: { matchLabels: { app: 'web' } }, jwtRules: [{ issuer: 'https://issuer.example', jwks: issuer.jwks, outputClaimToHeaders: [{ header: 'x-who', claim: 'sub' }] }] },
      })}`);
      // A secret that a gateway's listener waits for, and the routes that follow listeners, come after them.
      for (let left = 100; left > 0 && (await pod('istio-ingressgateway-v1').syncz()).warming.listeners.length > 0; left -= 1) await sleep(50);
    }, 60_000);

    it('nothing that istiod sends is refused', async () => {
      expect(await refused()).toEqual([]);
      expect(await istiod.rejections()).toEqual([]);
      expect((await pod('istio-ingressgateway-v1').syncz()).warming.listeners).toEqual([]);
    });

    describe.each(CLIENTS)('requests of a client that speaks $variant', ({ client }) => {
      const asked = (request: ClientRequest): Promise<ClientReply> => pod(client).askOne(request);

      it('go to the subset of their header, else to the default', async () => {
        expect(echoOf(await asked({ url: `${WEB}/a` })).name).toBe('web-v1');
        expect(echoOf(await asked({ url: `${WEB}/a`, headers: { 'end-user': 'jason' } })).name).toBe('web-v2');
      });

      it('are split by weight', async () => {
        const replies = await pod(client).ask(...Array.from({ length: 40 }, () => ({ url: `${WEB}/split` })));
        const first = replies.map(echoOf).filter(({ name }) => name === 'web-v1').length;
        // Outside of this lie four sequences of a hundred million.
        expect(first).toBeGreaterThan(2);
        expect(first).toBeLessThan(38);
      });

      it.each([
        ['are aborted', '/fault', { status: 418, body: 'fault filter abort' }],
        ['are sent again', `/flaky/${client}`, { status: 200 }],
        ['time out', '/slow/1000', { status: 504, body: 'upstream request timeout' }],
        ['are answered directly', '/direct', { status: 203, body: 'said here' }],
        ['are redirected', '/redirdirect', { status: 308, headers: expect.objectContaining({ location: 'http://web.shop.svc.cluster.local/elsewhere' }) as unknown }],
        ['are mirrored', '/mirror', { status: 200, body: expect.stringContaining('web-v1') as unknown }],
        ['are denied by identity', '/secret', { status: 403, body: 'RBAC: access denied' }],
      ] as const)('%s', async (_name, path, expected) => {
        expect(await asked({ url: `${WEB}${path}` })).toMatchObject(expected);
      });

      it('are delayed', async () => {
        const start = Date.now();
        expect((await asked({ url: `${WEB}/delay` })).status).toBe(200);
        expect(Date.now() - start).toBeGreaterThanOrEqual(300);
      });

      it('are rewritten, and get and lose headers', async () => {
        const rewritten = echoOf(await asked({ url: `${WEB}/rewrite` }));
        expect(rewritten).toMatchObject({ url: '/rewritten', headers: { host: 'other.example' } });
        const reply = await asked({ url: `${WEB}/headers`, headers: { 'x-secret': 's', origin: 'http://page.example' } });
        expect(reply.headers).toMatchObject({ 'x-answered': 'yes', 'access-control-allow-origin': 'http://page.example' });
        const { headers } = echoOf(reply);
        expect(headers['x-added']).toBe('yes');
        expect(headers['x-secret']).toBeUndefined();
      });

      it('carry tokens that are checked', async () => {
        const now = Math.floor(Date.now() / 1000);
        const bearer = (claims: object, by = issuer): Record<string, string> => ({ authorization: `Bearer ${by.token({ iss: 'https://issuer.example', sub: 'ann', exp: now + 600, ...claims })}` });
        expect((await asked({ url: `${WEB}/token` })).status).toBe(403);
        expect((await asked({ url: `${WEB}/token`, headers: bearer({}, tokenIssuer('RS256')) })).status).toBe(401);
        expect((await asked({ url: `${WEB}/token`, headers: bearer({ exp: now - 600 }) })).status).toBe(401);
        expect(echoOf(await asked({ url: `${WEB}/token`, headers: bearer({}) })).headers['x-who']).toBe('ann');
      });

      it('leave the mesh through a ServiceEntry with its WorkloadEntry', async () => {
        expect(echoOf(await asked({ url: 'http://outside.example/o' }))).toMatchObject({ name: 'plain-v1', url: '/o' });
      });
    });

    it('the gateway serves its hosts, over TLS with the certificate of its Secret too', async () => {
      const { address } = pod('istio-ingressgateway-v1').network;
      const host = { host: 'book.example' };
      const [found, portless, unknownHost] = await pod('plain-v1').ask({ url: `http://${address}:8080/web/b`, headers: host }, { url: `http://${address}:8080/portless`, headers: host }, { url: `http://${address}:8080/web/b`, headers: { host: 'nobody.example' } });
      expect(echoOf(found as ClientReply)).toMatchObject({ name: 'web-v2', url: '/b' });
      expect(echoOf(found as ClientReply).headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/istio-ingressgateway');
      expect(portless?.status).toBe(503);
      expect(unknownHost?.status).toBe(404);
      expect(await secureStatus(address, 8443, 'book.example', '/web/b', gatewayRoot)).toBe(200);
    });

    it('STRICT lets the mesh in and strangers not', async () => {
      const objects = await apply(STRICT);
      const stranger = await pod('plain-v1').askOne({ url: `http://${pod('web-v1').network.address}:8080/x` });
      expect(stranger.failure).toMatch(/socket hang up|ECONNRESET/);
      for (const { client } of CLIENTS) expect((await pod(client).askOne({ url: `${WEB}/a` })).status).toBe(200);
      await remove(objects);
    });

    it('both ends count requests under Istio\'s names, with the peer that metadata exchange tells', async () => {
      for (const name of ['client-v1', 'web-v1']) {
        const series = (await pod(name).metrics()).split('\n').find((line) => line.startsWith('istio_requests_total{') && line.includes('source_workload="client-v1"') && line.includes('destination_workload="web-v1"') && line.includes('response_code="200"'));
        expect(series, name).toContain('destination_principal="spiffe://cluster.local/ns/shop/sa/web"');
        expect(series, name).toContain(`reporter="${name === 'web-v1' ? 'destination' : 'source'}"`);
      }
    });
  });

  describe('extensions by discovery of their own', () => {
    const plugin = (name: string, version: string, failStrategy: string): KubeObject => ({ apiVersion: 'extensions.istio.io/v1alpha1', kind: 'WasmPlugin', metadata: { name, namespace: NAMESPACE }, spec: { selector: { matchLabels: { app: 'web', version } }, url: `oci://registry.example/${name}:1`, failStrategy } });
    const status = async (name: string): Promise<number> => (await pod('client-v1').askOne({ url: `http://${pod(name).network.address}:8080/p` })).status;

    it.each([['web-v1', 'v1'], ['web-v2', 'v2']])('%s takes a plugin that fails open and refuses requests under one that does not', async (name, version) => {
      const open = plugin('open', version, 'FAIL_OPEN');
      await istiod.apply(open);
      await expect.poll(() => pod(name).admin('/config_dump?resource=ecds_filters')).toContain('shop.open');
      expect(await refused()).toEqual([]);
      expect(await status(name)).toBe(200);
      const closed = plugin('closed', version, 'FAIL_CLOSE');
      await istiod.apply(closed);
      await expect.poll(() => status(name), { timeout: 10_000 }).toBe(500);
      expect(JSON.stringify(await refused())).toContain('envoy.extensions.filters.http.wasm.v3.Wasm');
      await istiod.remove(open, closed);
      await expect.poll(() => status(name), { timeout: 10_000 }).toBe(200);
      expect(await refused()).toEqual([]);
    });
  });

  describe('the corpus of the other interop tests, translated by istiod', () => {
    it.each(CORPUS)('$name', async ({ yaml }) => {
      if (!/^kind: /m.test(yaml)) return;
      const before = await istiod.rejections();
      const objects = await apply(yaml);
      try {
        // istiod's own count is quicker to have than what each proxy says.
        if (!isDeepStrictEqual(await istiod.rejections(), before)) expect(await refused()).toEqual([]);
        expect(await istiod.rejections()).toEqual(before);
      } finally {
        await remove(objects);
      }
    });
  });

  it('an istiod that goes and comes back changes nothing for requests, and is heard again', async () => {
    await istiod.halt();
    for (const { client } of CLIENTS) expect((await pod(client).askOne({ url: `${WEB}/a` })).status).toBe(200);
    await istiod.resume();
    for (const each of meshed()) await expect.poll(async () => (await each.syncz()).ads.connected, { timeout: 30_000 }).toBe(true);
    await apply('apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: plain }\nspec: { hosts: [plain.shop.svc.cluster.local], http: [{ directResponse: { status: 207 } }] }\n');
    for (const { client } of CLIENTS) await expect.poll(async () => (await pod(client).askOne({ url: 'http://plain.shop.svc.cluster.local/' })).status, { timeout: 10_000 }).toBe(207);
    expect(await refused()).toEqual([]);
  });
});

/** The gateway's certificate in its Secret, with the right to read it for the gateway's ServiceAccount; gives the root that vouches for it. */
async function gatewayCertificate(istiod: Istiod): Promise<string> {
  const authority = await CertificateAuthority.createSelfSigned();
  const issued = await authority.issueWithNewKey({ dnsNames: ['book.example'], lifetimeMilliseconds: 3_600_000 });
  const metadata = { name: 'book-tls', namespace: NAMESPACE };
  const group = 'rbac.authorization.k8s.io';
  await istiod.apply(
    { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData: { 'tls.crt': issued.certificateChainPem, 'tls.key': issued.privateKeyPem.reveal() } },
    { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'watch', 'list'] }] },
    { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, roleRef: { apiGroup: group, kind: 'Role', name: 'book-tls' }, subjects: [{ kind: 'ServiceAccount', name: 'istio-ingressgateway', namespace: NAMESPACE }] },
  );
  return authority.rootPem;
}

function secureStatus(address: string, port: number, host: string, path: string, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    tlsRequest({ host: address, port, path, servername: host, ca, headers: { host }, agent: false, timeout: 10_000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', reject).end();
  });
}
