// Keeps the binding of the Gateway API current: collects what decides about it from the tables, binds, and shows what came of it in tables of
// its own. The snapshot reads the configuration, the leader's writers the statuses and the wanted workloads.
import type { Secret } from '../../shared/api/core/cluster.ts';
import { DeploymentResource, type Deployment } from '../../shared/api/core/workloads.ts';
import type { GatewayApiObject } from '../../shared/api/gateway-api/kinds.ts';
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { describeError, Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import type { KubeClient, ObjectFollower } from '../../shared/kube/index.ts';
import {
  bindGatewayApi, referencedObjects, type GatewayApiBinding, type GatewayApiResources, type GatewayApiStatus, type GatewayDeployment, type GatewayWorkloadState,
} from '../../mesh/gateway-api/index.ts';
import { GATEWAY_NAME_LABEL } from '../../mesh/model/gateway-api-names.ts';
import { NamespacedTable, type IngestTables } from '../ingest/index.ts';
import type { WorkloadParameters } from './workload-parameters.ts';
import { externalHosts } from './external-hosts.ts';
import { ReferencedObjectTables } from './referenced-objects.ts';
import { madeWorkloadState, namedService, namedWorkloadState, type WorkloadFacts } from './workload-states.ts';

/** What binding gives for the mesh's configuration. */
export type GatewayApiConfiguration = GatewayApiBinding['configuration'];

/** What the last binding made of a Gateway: `decided` says that it wants the workload that is listed and no other, `untouched` that what there is stays. */
export type GatewayJudgement = 'decided' | 'untouched';

/** Settings of the binder. */
export interface GatewayBinderOptions {
  /** Cluster domain, `cluster.local`. */
  readonly domain: string;
  readonly meshConfig: ReadonlyTable<'current', MeshConfig>;
  /** By `namespace/gateway`: what proxies of a gateway refuse of their configuration. */
  readonly refusals: () => ReadonlyMap<string, string>;
  /** Follows the Secrets that are named. */
  readonly secrets: ObjectFollower<Secret>;
}

const GATHER_MILLISECONDS = 20;
const REFUSALS_MILLISECONDS = 2_000;

const bindSeconds = programMetrics.histogram('mizzend_gateway_api_bind_seconds', 'Time to bind the objects of the Gateway API.', [], [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5]);

/** Binds whenever something that decides has changed. */
export class GatewayBinder {
  readonly name = 'gateway api';
  readonly #tables: IngestTables;
  readonly #options: GatewayBinderOptions;
  readonly #referenced: ReferencedObjectTables;
  readonly #live: NamespacedTable<Deployment>;
  readonly #configuration = new Table<'current', GatewayApiConfiguration>();
  readonly #statuses = new Table<string, GatewayApiStatus>();
  readonly #deployments = new Table<string, GatewayDeployment>();
  readonly #judged = new Table<string, GatewayJudgement>();
  readonly #log = createLogger('gateway-api');
  #detach: (() => void)[] = [];
  #signal: AbortSignal = AbortSignal.abort();
  #timers: { gather?: NodeJS.Timeout | undefined; refusals?: NodeJS.Timeout } = {};
  #working: Promise<void> = Promise.resolve();
  #refusals: ReadonlyMap<string, string> = new Map();

  constructor(client: KubeClient, tables: IngestTables, options: GatewayBinderOptions) {
    this.#tables = tables;
    this.#options = options;
    this.#referenced = new ReferencedObjectTables(client, options.secrets, () => this.#note());
    this.#live = new NamespacedTable(client, DeploymentResource, { labelSelector: GATEWAY_NAME_LABEL, transform: trimDeployment });
  }

  /** What the Gateway API adds to the mesh; empty where it is not installed. */
  get configuration(): ReadonlyTable<'current', GatewayApiConfiguration> {
    return this.#configuration;
  }

  /** Statuses by `Kind/namespace/name`. */
  get statuses(): ReadonlyTable<string, GatewayApiStatus> {
    return this.#statuses;
  }

  /** Workloads that Gateways want, by `namespace/name` of the Deployment. */
  get deployments(): ReadonlyTable<string, GatewayDeployment> {
    return this.#deployments;
  }

  /** Gateways by `namespace/name` that the last binding knew, with their class. */
  get judged(): ReadonlyTable<string, GatewayJudgement> {
    return this.#judged;
  }

  /** Deployments that there are behind Gateways, by `namespace/name`. */
  get liveDeployments(): ReadonlyTable<string, Deployment> {
    return this.#live.table;
  }

  /** What a ConfigMap holds that a Gateway names as its parameters. */
  parameters(namespace: string, name: string): WorkloadParameters | undefined {
    return this.#referenced.configMaps().get(`${namespace}/${name}`)?.parameters;
  }

  /** Binds what there is and follows the tables. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { gatewayApi, members, namespaces, services, endpointSlices, config } = this.#tables;
    for (const table of [gatewayApi.objects, gatewayApi.types, members, namespaces, services, this.#live.table] as readonly ReadonlyTable<string, unknown>[]) this.#detach.push(table.subscribe(() => this.#note()));
    this.#detach.push(this.#options.meshConfig.subscribe(() => this.#note()), config.subscribe((keys) => {
      if ([...keys].some((key) => key.startsWith('ServiceEntry/'))) this.#note();
    }));
    this.#detach.push(endpointSlices.subscribe(() => {
      if (this.#namedServices().length > 0) this.#note();
    }));
    this.#timers.refusals = setInterval(() => this.#lookAtRefusals(), REFUSALS_MILLISECONDS);
    this.#timers.refusals.unref();
    await this.#bind();
  }

  /** Stops following; what was bound stays. */
  async stop(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach();
    clearTimeout(this.#timers.gather);
    clearInterval(this.#timers.refusals);
    await this.#working;
    await Promise.all([this.#referenced.stop(), this.#live.stop()]);
  }

  /** A burst of changes is bound once. */
  #note(): void {
    if (this.#timers.gather !== undefined || this.#signal.aborted) return;
    this.#timers.gather = setTimeout(() => {
      this.#timers.gather = undefined;
      this.#working = this.#working.then(() => this.#bind());
    }, GATHER_MILLISECONDS);
  }

  #lookAtRefusals(): void {
    const now = this.#options.refusals();
    const same = now.size === this.#refusals.size && [...now].every(([key, message]) => this.#refusals.get(key) === message);
    this.#refusals = now;
    if (!same) this.#note();
  }

  /** One that fails leaves the last binding in force: it runs from a timer, where an exception would end the program. */
  async #bind(): Promise<void> {
    if (this.#signal.aborted || (this.#tables.gatewayApi.types.size === 0 && this.#statuses.size === 0)) return;
    try {
      const members = new Set(this.#tables.members.keys());
      await this.#live.follow(members, this.#signal);
      const objects = this.#objects();
      const wanted = referencedObjects(objects);
      await this.#referenced.follow(wanted, members, this.#signal);
      const started = performance.now();
      // Which workloads there are to look at follows from binding itself: in the first round after a change there may be new ones.
      let binding = bindGatewayApi(this.#resources(objects, [...this.#deployments.values()]));
      if (!sameNames(binding.deployments, this.#deployments)) binding = bindGatewayApi(this.#resources(objects, binding.deployments));
      bindSeconds.observe({}, (performance.now() - started) / 1000);
      this.#publish(binding, objects);
    } catch (error) {
      this.#log.error({ error: describeError(error), stack: error instanceof Error ? error.stack : undefined }, 'the Gateway API could not be bound; what was bound before stays in force');
    }
  }

  #publish({ configuration, statuses, deployments, untouched }: GatewayApiBinding, { gateways, classes }: Pick<GatewayApiResources, ObjectList>): void {
    const kept = new Set(untouched);
    const names = new Set(classes.map(({ metadata }) => metadata.name));
    const judged = gateways.filter(({ spec }) => names.has(spec.gatewayClassName)).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
    // Before the workloads: nobody may see that a refused Gateway wants none without seeing why.
    replace(this.#judged, new Map(judged.map((key) => [key, kept.has(key) ? 'untouched' : 'decided'])));
    replace(this.#deployments, new Map(deployments.map((wanted) => [`${wanted.gateway.namespace}/${wanted.name}`, wanted])));
    replace(this.#statuses, new Map(statuses.map((status) => [`${status.kind}/${status.namespace}/${status.name}`, status])));
    this.#configuration.set('current', configuration);
  }

  #objects(): Pick<GatewayApiResources, ObjectList> {
    const lists: Record<ObjectList, GatewayApiObject[]> = { classes: [], gateways: [], listenerSets: [], httpRoutes: [], grpcRoutes: [], tlsRoutes: [], tcpRoutes: [], referenceGrants: [], backendTlsPolicies: [] };
    for (const object of this.#tables.gatewayApi.objects.values()) lists[LISTS[object.kind]].push(object);
    return lists as unknown as Pick<GatewayApiResources, ObjectList>;
  }

  #resources(objects: Pick<GatewayApiResources, ObjectList>, deployments: readonly GatewayDeployment[]): GatewayApiResources {
    const { namespaces, services, gatewayApi } = this.#tables;
    return {
      ...objects, externalHosts: externalHosts(this.#tables.config.values(), this.#options.meshConfig.get('current')?.defaultServiceExportTo ?? ['*']), services: [...services.values()], namespaces: [...namespaces.values()], secrets: this.#referenced.secrets(), configMaps: this.#referenced.configMaps(), unreadConfigMaps: this.#referenced.unreadConfigMaps(),
      workloads: this.#workloads(objects, deployments), domain: this.#options.domain, bundleVersion: gatewayApi.bundleVersion(),
    };
  }

  #workloads({ gateways }: Pick<GatewayApiResources, ObjectList>, deployments: readonly GatewayDeployment[]): Map<string, GatewayWorkloadState> {
    const facts = this.#facts();
    const byKey = new Map(gateways.map((gateway) => [`${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}`, gateway]));
    const states = new Map<string, GatewayWorkloadState>();
    const put = (key: string, state: GatewayWorkloadState | undefined): void => {
      if (state) states.set(key, state);
    };
    for (const wanted of deployments) {
      const key = `${wanted.gateway.namespace}/${wanted.gateway.name}`;
      put(key, madeWorkloadState(wanted, byKey.get(key), facts));
    }
    for (const { gateway, service } of this.#namedServices()) put(gateway, namedWorkloadState(service, facts));
    return states;
  }

  #facts(): WorkloadFacts {
    const { services, endpointSlices } = this.#tables;
    return {
      deployments: this.#live.table, services, domain: this.#options.domain,
      refusal: (namespace, gateway) => this.#refusals.get(`${namespace}/${gateway}`),
      readyEndpoints: (key) => {
        const [namespace, name] = key.split('/');
        const own = [...endpointSlices.values()].filter(({ metadata }) => metadata?.namespace === namespace && metadata?.labels?.['kubernetes.io/service-name'] === name);
        return own.flatMap(({ endpoints = [] }) => endpoints).filter(({ conditions }) => conditions?.ready !== false).length;
      },
    };
  }

  /** Gateways whose workload is the user's, and the Service that they name. */
  #namedServices(): { readonly gateway: string; readonly service: string }[] {
    return [...this.#tables.gatewayApi.objects.values()].flatMap((object) => {
      const service = object.kind === 'Gateway' ? namedService(object, this.#options.domain) : undefined;
      return service === undefined ? [] : [{ gateway: `${object.metadata.namespace ?? ''}/${object.metadata.name}`, service }];
    });
  }
}

const LISTS = {
  GatewayClass: 'classes', Gateway: 'gateways', ListenerSet: 'listenerSets', HTTPRoute: 'httpRoutes', GRPCRoute: 'grpcRoutes', TLSRoute: 'tlsRoutes', TCPRoute: 'tcpRoutes',
  ReferenceGrant: 'referenceGrants', BackendTLSPolicy: 'backendTlsPolicies',
} as const satisfies Readonly<Record<GatewayApiObject['kind'], keyof GatewayApiResources>>;
type ObjectList = (typeof LISTS)[keyof typeof LISTS];

/** Makes a table equal to `content`. */
function replace<V>(table: Table<string, V>, content: ReadonlyMap<string, V>): void {
  for (const key of [...table.keys()]) if (!content.has(key)) table.delete(key);
  for (const [key, value] of content) table.set(key, value);
}

function sameNames(wanted: readonly GatewayDeployment[], present: ReadonlyTable<string, unknown>): boolean {
  return wanted.length === present.size && wanted.every(({ gateway, name }) => present.has(`${gateway.namespace}/${name}`));
}

/** What of a Deployment decides here. */
function trimDeployment({ metadata, status }: Deployment): Deployment {
  const { name, namespace, uid, generation, labels, ownerReferences } = metadata ?? {};
  const { readyReplicas, replicas, observedGeneration } = status ?? {};
  return {
    metadata: { name, namespace, uid, generation, labels, ownerReferences },
    status: { ...(readyReplicas === undefined ? {} : { readyReplicas }), ...(replicas === undefined ? {} : { replicas }), ...(observedGeneration === undefined ? {} : { observedGeneration }) },
  };
}
