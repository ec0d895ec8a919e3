// The Gateway API as tables. Users install its definitions, before us or after, in any version: which kinds the server has is asked
// again and again, each kind is read at the newest version that both know, and a kind that is not there counts as empty.
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import { gatewayApiKinds, type GatewayApiKind, type GatewayApiObject } from '../../shared/api/gateway-api/kinds.ts';
import { CustomResourceDefinitionResource } from '../../shared/api/core/access.ts';
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { describeError, Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { discoverResources, isNotFound, type KubeClient } from '../../shared/kube/index.ts';
import { ClusterTable } from './cluster-table.ts';
import { NamespacedTable } from './namespaced-table.ts';

/** Versions that we can read, the best one first. The schemas are those of v1; older versions differ in nothing that is read. */
const READABLE_VERSIONS = ['v1', 'v1beta1', 'v1alpha3', 'v1alpha2'];
const LOOK_AGAIN_MILLISECONDS = 5_000;
const BUNDLE_VERSION = 'gateway.networking.k8s.io/bundle-version';

/** What is known of the Gateway API, for readers. Keys are `Kind/namespace/name`, with an empty namespace for a GatewayClass. */
export interface GatewayApiTables {
  /** Kinds that are followed, at the version in use. */
  readonly types: ReadonlyTable<string, ResourceType>;
  /** Parsed objects without what changes without meaning: status and version marks. */
  readonly objects: ReadonlyTable<string, GatewayApiObject>;
  /** The objects as they are stored, with status. */
  readonly stored: ReadonlyTable<string, KubernetesObject>;
  /** Release of the installed definitions, when it can be read. */
  bundleVersion(): string | undefined;
}

interface FollowedKind {
  readonly type: ResourceType;
  readonly table: NamespacedTable<KubernetesObject> | ClusterTable<KubernetesObject>;
  readonly detach: () => void;
}

/** Follows the kinds of the Gateway API in the member namespaces. */
export class GatewayApiIngest {
  readonly #client: KubeClient;
  readonly #lookAgainMilliseconds: number;
  readonly #types = new Table<string, ResourceType>();
  readonly #objects = new Table<string, GatewayApiObject>();
  readonly #stored = new Table<string, KubernetesObject>();
  readonly #followed = new Map<string, FollowedKind>();
  readonly #log = createLogger('ingest');
  readonly tables: GatewayApiTables;
  #bundleVersion: string | undefined;
  #members: ReadonlySet<string> = new Set();
  #signal: AbortSignal = AbortSignal.abort();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, lookAgainMilliseconds = LOOK_AGAIN_MILLISECONDS) {
    this.#client = client;
    this.#lookAgainMilliseconds = lookAgainMilliseconds;
    this.tables = { types: this.#types, objects: this.#objects, stored: this.#stored, bundleVersion: () => this.#bundleVersion };
  }

  /** Looks for the kinds, reads them once and follows them. */
  async start(members: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    this.#members = members;
    this.#signal = signal;
    await this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, this.#lookAgainMilliseconds);
    this.#timer.unref();
  }

  /** Follows exactly `members` from now on. */
  async follow(members: ReadonlySet<string>): Promise<void> {
    this.#members = members;
    await Promise.all([...this.#followed.values()].map(({ table }) => table.follow(members, this.#signal)));
  }

  /** Stops all watches; the tables stay. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([...this.#followed.values()].map(({ table }) => table.stop()));
  }

  async #look(): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      const served = await servedKinds(this.#client);
      await Promise.all(gatewayApiKinds.map((kind) => this.#bringUp(kind, served.get(kind.type.kind))));
    } catch (error) {
      this.#log.warn({ error: describeError(error) }, 'the kinds of the Gateway API could not be looked for; trying again');
    }
  }

  async #bringUp(kind: GatewayApiKind, version: string | undefined): Promise<void> {
    const name = kind.type.kind;
    const present = this.#followed.get(name);
    if (present?.type.version === version) return;
    if (present) await this.#drop(name, present);
    if (version === undefined || this.#signal.aborted) return;
    const type: ResourceType = { ...kind.type, version };
    const table = type.scope === 'Cluster' ? new ClusterTable(this.#client, type) : new NamespacedTable(this.#client, type);
    const detach = table.table.subscribe((keys) => {
      for (const key of keys) this.#take(kind, key, table.table.get(key));
    });
    this.#followed.set(name, { type, table, detach });
    if (name === 'GatewayClass') this.#bundleVersion = await this.#readBundleVersion();
    await table.follow(this.#members, this.#signal);
    // Tables tell their readers a turn later; whoever sees the type may rely on the objects.
    await new Promise((resolve) => setImmediate(resolve));
    this.#types.set(name, type);
    this.#log.info({ kind: name, version }, 'kind of the Gateway API found');
  }

  async #drop(name: string, followed: FollowedKind): Promise<void> {
    followed.detach();
    this.#followed.delete(name);
    this.#types.delete(name);
    for (const key of [...this.#stored.keys()].filter((candidate) => candidate.startsWith(`${name}/`))) {
      this.#stored.delete(key);
      this.#objects.delete(key);
    }
    await followed.table.stop();
    this.#log.info({ kind: name }, 'kind of the Gateway API is gone');
  }

  #take(kind: GatewayApiKind, tableKey: string, raw: KubernetesObject | undefined): void {
    const key = kind.type.scope === 'Cluster' ? `${kind.type.kind}//${tableKey}` : `${kind.type.kind}/${tableKey}`;
    if (!raw) {
      this.#stored.delete(key);
      this.#objects.delete(key);
      return;
    }
    this.#stored.set(key, raw);
    const { status: _status, ...meaning } = raw as KubernetesObject & { status?: unknown };
    const { resourceVersion: _version, managedFields: _fields, ...metadata } = raw.metadata ?? {};
    const parsed = kind.schema.safeParse({ ...meaning, metadata });
    if (parsed.success) this.#objects.set(key, parsed.data);
    else this.#log.warn({ object: key, issues: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) }, 'object of the Gateway API cannot be read; its last readable version stays in force');
  }

  /** Needs a right that may be missing; then the version is unknown. */
  async #readBundleVersion(): Promise<string | undefined> {
    try {
      const definition = await this.#client.get(CustomResourceDefinitionResource, `gatewayclasses.${GATEWAY_API_GROUP}`);
      return definition.metadata?.annotations?.[BUNDLE_VERSION];
    } catch (error) {
      this.#log.info({ error: describeError(error) }, 'the release of the Gateway API definitions cannot be read');
      return undefined;
    }
  }
}

/** The best readable version of each kind that the server has. */
async function servedKinds(client: KubeClient): Promise<Map<string, string>> {
  const served = new Map<string, string>();
  for (const version of await groupVersions(client)) {
    if (!READABLE_VERSIONS.includes(version)) continue;
    for (const { kind, name } of (await discoverResources(client, GATEWAY_API_GROUP, version)) ?? []) {
      if (name.includes('/')) continue;
      const best = served.get(kind);
      if (best === undefined || READABLE_VERSIONS.indexOf(version) < READABLE_VERSIONS.indexOf(best)) served.set(kind, version);
    }
  }
  return served;
}

async function groupVersions(client: KubeClient): Promise<readonly string[]> {
  try {
    const group = JSON.parse((await client.request({ method: 'GET', path: `/apis/${GATEWAY_API_GROUP}` })).body) as { versions?: { version: string }[] };
    return (group.versions ?? []).map(({ version }) => version);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
