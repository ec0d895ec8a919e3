// Gateways' certificates: Kubernetes secrets served over SDS to proxies whose service account may list secrets in the namespace.
// Names as Istio's gateways ask for them: `kubernetes://<secret>[-cacert]` in the proxy's own namespace, and `kubernetes-gateway://<namespace>/<secret>` for the
// secrets that listeners of the Gateway API name, in other namespaces too where a ReferenceGrant permits it: the binding says which proxies may have which.
import { createHash } from 'node:crypto';
import type { Secret as KubernetesSecret } from '../shared/api/core/cluster.ts';
import { createLogger } from '../shared/observability/index.ts';
import { subjectAccessReview, type FollowedObject, type KubeClient, type ObjectFollower } from '../shared/kube/index.ts';
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
/** What the API server takes as a Secret's name, behind its namespace. */
const OBJECT_KEY = /^[a-z0-9-]+\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** A gateway that asks for more gets the first ones: it shall not use up what all may follow. */
const MAXIMUM_OF_PROXY = 500;

type SecretGrant = GatewayApiBinding['configuration']['secretGrants'][number];

/** A secret with those who ask for it, and under which names. */
interface WatchedSecret {
  readonly held: FollowedObject<KubernetesSecret>;
  readonly firstRead: Promise<unknown>;
  readonly users: Map<ProxyDescription, Set<string>>;
}

/** Reads and follows the secrets that gateways ask for, for as long as they do. */
export class GatewaySecrets implements SecretSource {
  readonly name = 'gateway secrets';
  readonly #client: KubeClient;
  readonly #follower: ObjectFollower<KubernetesSecret>;
  readonly #onChange: (resourceNames: ReadonlySet<string>) => void;
  readonly #grants: () => readonly SecretGrant[];
  readonly #watched = new Map<string, WatchedSecret>();
  readonly #keysOf = new Map<ProxyDescription, Set<string>>();
  readonly #gone = new WeakSet<ProxyDescription>();
  readonly #decisions = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  readonly #log = createLogger('sds');

  /** `onChange` is told the resource names whose secret changed; `grants` says what gateways of the Gateway API may have. */
  constructor(client: KubeClient, follower: ObjectFollower<KubernetesSecret>, onChange: (resourceNames: ReadonlySet<string>) => void, grants: () => readonly SecretGrant[] = () => []) {
    this.#client = client;
    this.#follower = follower;
    this.#onChange = onChange;
    this.#grants = grants;
  }

  /** Nothing to do: secrets are read when a gateway asks. */
  async start(): Promise<void> {}

  /** Stops following. */
  async stop(): Promise<void> {
    for (const proxy of [...this.#keysOf.keys()]) this.release(proxy);
  }

  keepOnly(proxy: ProxyDescription, names: ReadonlySet<string>): void {
    for (const key of [...this.#keysOf.get(proxy) ?? []]) {
      const asked = this.#watched.get(key)?.users.get(proxy);
      for (const name of asked ?? []) if (!names.has(name)) asked?.delete(name);
      if (asked?.size === 0) this.#leave(proxy, key);
    }
  }

  release(proxy: ProxyDescription): void {
    // An answer that is still being made must not take up again what nobody would give back.
    this.#gone.add(proxy);
    for (const key of [...this.#keysOf.get(proxy) ?? []]) this.#leave(proxy, key);
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
    const resources = await Promise.all(asked.map((name) => this.#resource(proxy, name)));
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
      const secret = await this.#read(proxy, key, name);
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

  async #resource(proxy: ProxyDescription, name: string): Promise<NamedResource | undefined> {
    const wanted = name.slice(SCHEME.length);
    const secret = await this.#read(proxy, `${proxy.namespace}/${wanted}`, name);
    if (secret) return toResource(name, secret, wanted.endsWith(CA_SUFFIX));
    // `<secret>-cacert` is a secret of its own, or the CA of `<secret>`.
    if (!wanted.endsWith(CA_SUFFIX)) return undefined;
    const base = await this.#read(proxy, `${proxy.namespace}/${wanted.slice(0, -CA_SUFFIX.length)}`, name);
    return base ? toResource(name, base, true) : undefined;
  }

  async #read(proxy: ProxyDescription, key: string, resourceName: string): Promise<KubernetesSecret | undefined> {
    const watched = this.#use(proxy, key, resourceName);
    await watched?.firstRead;
    return watched?.held.get();
  }

  /** The secret, with the proxy among those who use it; undefined when it may not be followed. */
  #use(proxy: ProxyDescription, key: string, resourceName: string): WatchedSecret | undefined {
    if (this.#gone.has(proxy) || !OBJECT_KEY.test(key)) return undefined;
    const keys = this.#keysOf.get(proxy) ?? new Set<string>();
    if (!keys.has(key) && keys.size >= MAXIMUM_OF_PROXY) {
      this.#log.warn({ proxy: proxy.id, secret: key, maximum: MAXIMUM_OF_PROXY }, 'the gateway asks for more secrets than one may, and does not get this one');
      return undefined;
    }
    const watched = this.#watched.get(key) ?? this.#watch(key);
    if (!watched) return undefined;
    this.#keysOf.set(proxy, keys.add(key));
    watched.users.set(proxy, (watched.users.get(proxy) ?? new Set<string>()).add(resourceName));
    return watched;
  }

  #watch(key: string): WatchedSecret | undefined {
    const users = new Map<ProxyDescription, Set<string>>();
    // What the first reading finds is in the answer that waits for it.
    let answered = false;
    const held = this.#follower.hold(key, () => {
      if (answered) this.#onChange(new Set([...users.values()].flatMap((names) => [...names])));
    });
    if (!held) return undefined;
    // Without the right to read the secret this would wait for ever, and the gateway with it.
    const firstRead = held.waitForRead(FIRST_READ_MILLISECONDS).then((read) => {
      answered = true;
      if (!read && users.size > 0) this.#log.warn({ secret: key }, 'the secret cannot be read yet; the gateway gets it when it can');
    });
    const watched = { held, firstRead, users };
    this.#watched.set(key, watched);
    return watched;
  }

  #leave(proxy: ProxyDescription, key: string): void {
    const keys = this.#keysOf.get(proxy);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(proxy);
    const watched = this.#watched.get(key);
    watched?.users.delete(proxy);
    if (!watched || watched.users.size > 0) return;
    this.#watched.delete(key);
    watched.held.release();
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
