// Gateways' certificates: Kubernetes secrets served over SDS to proxies whose service account may list secrets in the namespace.
// Names as Istio's gateways ask for them: `kubernetes://<secret>[-cacert]` in the proxy's own namespace, and `kubernetes-gateway://<namespace>/<secret>` for the
// secrets that listeners of the Gateway API name, in other namespaces too where a ReferenceGrant permits it: the binding says which proxies may have which.
import { createHash } from 'node:crypto';
import { SecretResource, type Secret as KubernetesSecret } from '../shared/api/core/cluster.ts';
import { createLogger } from '../shared/observability/index.ts';
import { Informer, subjectAccessReview, type KubeClient } from '../shared/kube/index.ts';
import { Secret as SecretMessage } from '../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { TYPE_URLS } from '../shared/xds/index.ts';
import type { GatewayApiBinding } from '../mesh/gateway-api/index.ts';
import { GATEWAY_NAME_LABEL, GRANTED_SECRET_SCHEME } from '../mesh/model/gateway-api-names.ts';
import type { NamedResource, ProxyDescription } from '../mesh/index.ts';
import type { SecretSource } from './ads/index.ts';

const SCHEME = 'kubernetes://';
const CA_SUFFIX = '-cacert';
const FIRST_READ_MILLISECONDS = 3_000;
const DECISION_MILLISECONDS = 60_000;

type SecretGrant = GatewayApiBinding['configuration']['secretGrants'][number];

interface WatchedSecret {
  readonly informer: Informer<KubernetesSecret>;
  readonly names: Set<string>;
}

/** Reads and follows the secrets that gateways ask for. */
export class GatewaySecrets implements SecretSource {
  readonly name = 'gateway secrets';
  readonly #client: KubeClient;
  readonly #onChange: (resourceNames: ReadonlySet<string>) => void;
  readonly #grants: () => readonly SecretGrant[];
  readonly #watched = new Map<string, Promise<WatchedSecret>>();
  readonly #decisions = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  readonly #log = createLogger('sds');
  readonly #stop = new AbortController();

  /** `onChange` is told the resource names whose secret changed; `grants` says what gateways of the Gateway API may have. */
  constructor(client: KubeClient, onChange: (resourceNames: ReadonlySet<string>) => void, grants: () => readonly SecretGrant[] = () => []) {
    this.#client = client;
    this.#onChange = onChange;
    this.#grants = grants;
  }

  /** Nothing to do: secrets are read when a gateway asks. */
  async start(): Promise<void> {}

  /** Stops following. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const watched of this.#watched.values()) await (await watched).informer.stop();
  }

  async secretsFor(proxy: ProxyDescription, names: readonly string[]): Promise<readonly NamedResource[]> {
    if (proxy.type !== 'router') return [];
    const own = await this.#ownSecrets(proxy, names.filter((name) => name.startsWith(SCHEME)));
    const granted = await this.#grantedSecrets(proxy, names.filter((name) => name.startsWith(GRANTED_SECRET_SCHEME)));
    return [...own, ...granted];
  }

  /** Secrets of the proxy's namespace. */
  async #ownSecrets(proxy: ProxyDescription, asked: readonly string[]): Promise<NamedResource[]> {
    if (asked.length === 0) return [];
    if (!(await this.#mayRead(proxy))) {
      this.#log.warn({ proxy: proxy.id, serviceAccount: proxy.serviceAccount }, 'the gateway may not list secrets in its namespace and gets none; bind its service account to a role that may');
      return [];
    }
    const resources = await Promise.all(asked.map((name) => this.#resource(proxy.namespace, name)));
    return resources.filter((resource) => resource !== undefined);
  }

  /** Secrets that the listeners of the proxy's Gateway name. The workload that we made for it needs no right of its own; that of a user does, as anybody may wear a label. */
  async #grantedSecrets(proxy: ProxyDescription, asked: readonly string[]): Promise<NamedResource[]> {
    if (asked.length === 0) return [];
    const grant = this.#grants().find(({ namespace, gateway }) => namespace === proxy.namespace && gateway === proxy.labels[GATEWAY_NAME_LABEL]);
    const permitted = grant !== undefined && (grant.serviceAccount === undefined ? await this.#mayRead(proxy) : grant.serviceAccount === proxy.serviceAccount);
    const resources = await Promise.all(asked.map(async (name) => {
      const key = name.slice(GRANTED_SECRET_SCHEME.length);
      if (!permitted || !grant.secrets.includes(key)) {
        this.#log.warn({ proxy: proxy.id, secret: key }, 'the gateway asks for a secret that none of its listeners may use, and does not get it');
        return undefined;
      }
      const [namespace = '', secretName = ''] = key.split('/');
      const secret = await this.#read(namespace, secretName, name);
      return secret ? toResource(name, secret, false) : undefined;
    }));
    return resources.filter((resource) => resource !== undefined);
  }

  async #mayRead({ namespace, serviceAccount }: ProxyDescription): Promise<boolean> {
    const user = `system:serviceaccount:${namespace}:${serviceAccount}`;
    const known = this.#decisions.get(user);
    if (known && known.until > Date.now()) return known.allowed;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    const { allowed } = await subjectAccessReview(this.#client, { verb: 'list', group: '', resource: 'secrets', namespace }, { user, groups });
    this.#decisions.set(user, { allowed, until: Date.now() + DECISION_MILLISECONDS });
    return allowed;
  }

  async #resource(namespace: string, name: string): Promise<NamedResource | undefined> {
    const wanted = name.slice(SCHEME.length);
    const secret = await this.#read(namespace, wanted, name);
    if (secret) return toResource(name, secret, wanted.endsWith(CA_SUFFIX));
    // `<secret>-cacert` is a secret of its own, or the CA of `<secret>`.
    if (!wanted.endsWith(CA_SUFFIX)) return undefined;
    const base = await this.#read(namespace, wanted.slice(0, -CA_SUFFIX.length), name);
    return base ? toResource(name, base, true) : undefined;
  }

  async #read(namespace: string, secretName: string, resourceName: string): Promise<KubernetesSecret | undefined> {
    const key = `${namespace}/${secretName}`;
    let watched = this.#watched.get(key);
    if (!watched) this.#watched.set(key, (watched = this.#watch(namespace, secretName)));
    const { informer, names } = await watched;
    names.add(resourceName);
    return informer.get(key);
  }

  async #watch(namespace: string, secretName: string): Promise<WatchedSecret> {
    const informer = new Informer(this.#client, SecretResource, { namespace, fieldSelector: `metadata.name=${secretName}` });
    const names = new Set<string>();
    informer.subscribe(() => this.#onChange(new Set(names)));
    // Without the right to read the secret this would wait for ever, and the gateway with it.
    await Promise.race([informer.start(this.#stop.signal), new Promise((resolve) => setTimeout(resolve, FIRST_READ_MILLISECONDS).unref())]);
    if (!informer.hasSynced()) this.#log.warn({ namespace, secret: secretName }, 'the secret cannot be read yet; the gateway gets it when it can');
    return { informer, names };
  }
}

function toResource(name: string, secret: KubernetesSecret, authority: boolean): NamedResource | undefined {
  const value = (...keys: string[]): Uint8Array | undefined => {
    const text = keys.map((key) => secret.data?.[key]).find((candidate) => candidate);
    return text === undefined ? undefined : Buffer.from(text, 'base64');
  };
  const message = authority ? authorityMessage(name, value('ca.crt', 'cacert')) : certificateMessage(name, value('tls.crt', 'cert'), value('tls.key', 'key'));
  if (!message) return undefined;
  const bytes = SecretMessage.encode(message).finish();
  return { name, typeUrl: TYPE_URLS.secret, message, version: createHash('sha256').update(bytes).digest('hex').slice(0, 16), encode: () => bytes };
}

function authorityMessage(name: string, roots: Uint8Array | undefined): SecretMessage | undefined {
  return roots ? { name, type: { $case: 'validationContext', validationContext: { trustedCa: { specifier: { $case: 'inlineBytes', inlineBytes: roots } } } } } : undefined;
}

function certificateMessage(name: string, chain: Uint8Array | undefined, key: Uint8Array | undefined): SecretMessage | undefined {
  if (!chain || !key) return undefined;
  return { name, type: { $case: 'tlsCertificate', tlsCertificate: { certificateChain: { specifier: { $case: 'inlineBytes', inlineBytes: chain } }, privateKey: { specifier: { $case: 'inlineBytes', inlineBytes: key } } } } };
}
