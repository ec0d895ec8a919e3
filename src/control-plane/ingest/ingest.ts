// Ingest: everything the mesh is made of, watched in the member namespaces and kept in tables. The only reader of the cluster besides
// the CA and the webhooks; the snapshot publisher is its only reader.
import { NodeResource, type Namespace, type Node } from '../../shared/api/core/cluster.ts';
import { EndpointSliceResource, ServiceResource, type EndpointSlice, type Service } from '../../shared/api/core/network.ts';
import { PodResource, type Pod } from '../../shared/api/core/workloads.ts';
import { ISTIO_KINDS, type IstioObject } from '../../shared/api/istio-kinds.ts';
import type { Issue, ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import type { KubeClient } from '../../shared/kube/index.ts';
import { ClusterTable } from './cluster-table.ts';
import { ConfigTable } from './config-table.ts';
import { trimEndpointSlice, trimNode, trimPod, trimService } from './core-transforms.ts';
import { GatewayApiIngest, type GatewayApiTables } from './gateway-api-tables.ts';
import { MemberNamespaces, type MemberNamespacesOptions } from './member-namespaces.ts';
import { NamespaceTable } from './namespace-table.ts';
import { NamespacedTable } from './namespaced-table.ts';

/** What ingest knows, for readers. */
export interface IngestTables {
  readonly members: ReadonlyTable<string, true>;
  readonly namespaces: ReadonlyTable<string, Namespace>;
  /** Where pods run; empty where nodes may not be read. */
  readonly nodes: ReadonlyTable<string, Node>;
  readonly services: ReadonlyTable<string, Service>;
  readonly endpointSlices: ReadonlyTable<string, EndpointSlice>;
  readonly pods: ReadonlyTable<string, Pod>;
  readonly config: ReadonlyTable<string, IstioObject>;
  readonly issues: ReadonlyTable<string, readonly Issue[]>;
  readonly gatewayApi: GatewayApiTables;
}

const NODES_TIMEOUT_MILLISECONDS = 2_000;

const configEvents = programMetrics.counter('pilot_k8s_cfg_events', 'Changes of Istio objects.', ['type', 'event']);
const registryEvents = programMetrics.counter('pilot_k8s_reg_events', 'Changes of Kubernetes objects.', ['type', 'event']);

/** Watches the member namespaces. */
export class Ingest {
  readonly name = 'ingest';
  readonly tables: IngestTables;
  readonly #members: MemberNamespaces;
  readonly #namespaces: NamespaceTable;
  readonly #nodes: ClusterTable<Node>;
  readonly #core: readonly NamespacedTable<never>[];
  readonly #kinds: readonly NamespacedTable<never>[];
  readonly #gatewayApi: GatewayApiIngest;
  readonly #log = createLogger('ingest');
  #signal: AbortSignal = AbortSignal.abort();
  #following: Promise<void> = Promise.resolve();
  #synced = false;

  constructor(client: KubeClient, options: MemberNamespacesOptions) {
    this.#members = new MemberNamespaces(client, options);
    this.#namespaces = new NamespaceTable(client);
    // Without the right to read nodes the mesh works, only not by locality: not worth a longer wait.
    this.#nodes = new ClusterTable(client, NodeResource, { transform: trimNode, syncTimeoutMilliseconds: NODES_TIMEOUT_MILLISECONDS });
    const services = new NamespacedTable(client, ServiceResource, { transform: trimService });
    const endpointSlices = new NamespacedTable(client, EndpointSliceResource, { transform: trimEndpointSlice });
    const pods = new NamespacedTable(client, PodResource, { transform: trimPod });
    this.#core = [services, endpointSlices, pods] as unknown as NamespacedTable<never>[];
    const config = new ConfigTable();
    this.#gatewayApi = new GatewayApiIngest(client);
    this.#kinds = ISTIO_KINDS.map((kind) => {
      const objects = new NamespacedTable(client, kind);
      objects.table.subscribe((keys) => {
        for (const key of keys) {
          const object = objects.table.get(key);
          configEvents.add({ type: kind.kind, event: object ? 'update' : 'delete' });
          if (object) config.put(kind, object);
          else config.remove(kind, key);
        }
      });
      return objects as unknown as NamespacedTable<never>;
    });
    for (const { type, table } of [services, endpointSlices, pods]) {
      table.subscribe((keys) => {
        for (const key of keys) registryEvents.add({ type: type.kind, event: table.has(key) ? 'update' : 'delete' });
      });
    }
    this.tables = {
      members: this.#members.table, namespaces: this.#namespaces.table, nodes: this.#nodes.table, services: services.table, endpointSlices: endpointSlices.table, pods: pods.table,
      config: config.objects, issues: config.issues, gatewayApi: this.#gatewayApi.tables,
    };
  }

  /** Reads everything once and follows it. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.#members.start(signal);
    await this.#namespaces.start(this.#memberNames(), signal);
    await Promise.all([this.#followMembers(), this.#nodes.follow(this.#memberNames(), signal), this.#gatewayApi.start(this.#memberNames(), signal)]);
    this.#members.table.subscribe(() => {
      this.#following = this.#following.then(() => this.#followMembers()).catch((error: unknown) => this.#log.error({ error: String(error) }, 'member namespaces could not be followed'));
    });
    await this.#followMembers();
    // Tables tell their readers a turn later: what is in them now must have reached the config table.
    await new Promise((resolve) => setImmediate(resolve));
    this.#synced = true;
  }

  /** Stops all watches; the tables stay. */
  async stop(): Promise<void> {
    await this.#following;
    await Promise.all([this.#members.stop(), this.#namespaces.stop(), this.#nodes.stop(), this.#gatewayApi.stop(), ...this.#all().map((table) => table.stop())]);
  }

  /** Whether everything has been read once. */
  hasSynced(): boolean {
    return this.#synced;
  }

  async #followMembers(): Promise<void> {
    if (this.#signal.aborted) return;
    const members = this.#memberNames();
    await Promise.all([this.#namespaces.follow(members), this.#gatewayApi.follow(members), ...this.#all().map((table) => table.follow(members, this.#signal))]);
  }

  #memberNames(): ReadonlySet<string> {
    return new Set(this.#members.table.keys());
  }

  #all(): readonly NamespacedTable<never>[] {
    return [...this.#core, ...this.#kinds];
  }
}
