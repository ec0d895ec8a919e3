// Makes the workloads that Gateways want and removes those that none wants any more. Runs in the leader alone. Deletion of a Gateway is left to
// the garbage collector, since every object is owned by it.
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { describeError, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { WorkQueue, type KubeClient } from '../../shared/kube/index.ts';
import type { GatewayDeployment } from '../../mesh/gateway-api/index.ts';
import type { Deployment } from '../../shared/api/core/workloads.ts';
import type { GatewayJudgement } from './gateway-binder.ts';
import type { WorkloadParameters } from './workload-parameters.ts';
import { MANAGED_LABEL, MANAGED_VALUE, WORKLOAD_KINDS, workloadObjects } from './gateway-workload.ts';

const FIELD_MANAGER = 'istio.io/gateway-controller';

/** What the deployer reads; keys are `namespace/name` of the Deployment. */
export interface DeployerSources {
  readonly deployments: ReadonlyTable<string, GatewayDeployment>;
  readonly liveDeployments: ReadonlyTable<string, Deployment>;
  readonly services: ReadonlyTable<string, KubernetesObject>;
  /** By `namespace/name` of Gateways: only that a decided one wants nothing means anything. */
  readonly judged: ReadonlyTable<string, GatewayJudgement>;
  /** What the ConfigMap holds that a Gateway names as its parameters. */
  parameters(namespace: string, name: string): WorkloadParameters | undefined;
}

/** Keeps the workloads as they are wanted. */
export class GatewayDeployer {
  readonly #client: KubeClient;
  readonly #sources: DeployerSources;
  /** What was applied last, and the generation of the Deployment that came of it. */
  readonly #applied = new Map<string, { readonly text: string; readonly generation: number | undefined }>();
  readonly #log = createLogger('gateway-api');

  constructor(client: KubeClient, sources: DeployerSources) {
    this.#client = client;
    this.#sources = sources;
  }

  /** Works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const queue = new WorkQueue<string>('gateway-deployer', { maximumRetryMilliseconds: 30_000 });
    const { deployments, liveDeployments, services, judged } = this.#sources;
    const addAll = (keys: Iterable<string>): void => {
      for (const key of keys) queue.add(key);
    };
    // A Gateway that is taken up again may want less than it wanted when it was refused.
    const addOwned = (gateways: ReadonlySet<string>): void => addAll([...liveDeployments.entries()].filter(([, live]) => gateways.has(ownerOf(live))).map(([key]) => key));
    const detach = [deployments.subscribe(addAll), liveDeployments.subscribe(addAll), judged.subscribe(addOwned), services.subscribe((keys) => addAll([...keys].filter((key) => deployments.has(key) && !services.has(key))))];
    addAll([...deployments.keys(), ...liveDeployments.keys()]);
    signal.addEventListener('abort', () => queue.close(), { once: true });
    if (signal.aborted) queue.close();
    try {
      await this.#work(queue);
    } finally {
      for (const stop of detach) stop();
    }
  }

  async #work(queue: WorkQueue<string>): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        await this.#reconcile(key);
        queue.forget(key);
      } catch (error) {
        const retryMilliseconds = queue.addRateLimited(key);
        this.#log.warn({ workload: key, retryMilliseconds, error: describeError(error) }, 'the workload of a Gateway could not be brought up to date');
      } finally {
        queue.done(key);
      }
    }
  }

  async #reconcile(key: string): Promise<void> {
    const wanted = this.#sources.deployments.get(key);
    if (wanted) await this.#apply(key, wanted);
    else await this.#remove(key);
  }

  async #apply(key: string, wanted: GatewayDeployment): Promise<void> {
    if (wanted.awaitsParameters) return;
    const parameters = wanted.parametersRef?.kind === 'ConfigMap' ? this.#sources.parameters(wanted.gateway.namespace, wanted.parametersRef.name) : undefined;
    const objects = workloadObjects(wanted, parameters);
    const text = JSON.stringify(objects);
    const live = this.#sources.liveDeployments.get(key);
    const last = this.#applied.get(key);
    if (live && this.#sources.services.has(key) && last?.text === text && last.generation === live.metadata?.generation) return;
    let generation: number | undefined;
    for (const [index, type] of WORKLOAD_KINDS.entries()) {
      const object = objects[index];
      if (!object) continue;
      const applied = await this.#applyOne(type as ResourceType, object, wanted.gateway.uid);
      if (type.kind === 'Deployment') generation = applied.metadata?.generation;
    }
    this.#applied.set(key, { text, generation });
    this.#log.info({ workload: key, gateway: wanted.gateway.name, changed: last !== undefined }, 'workload of a Gateway applied');
  }

  async #applyOne(type: ResourceType, object: KubernetesObject, owner: string): Promise<KubernetesObject> {
    const { name = '', namespace } = object.metadata ?? {};
    const present = await this.#client.find(type, name, namespace);
    if (present && !isOurs(present)) throw new Error(`${type.kind} ${namespace ?? ''}/${name} is there already and was not made for a Gateway; rename it or the Gateway`);
    // Left by a Gateway of the same name, which is gone: the collector is about to take it.
    if (present && !present.metadata?.ownerReferences?.some(({ uid }) => uid === owner)) await this.#client.delete(type, name, namespace, { preconditions: { uid: present.metadata?.uid ?? '' } });
    return this.#client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true });
  }

  /** Removes a workload that no Gateway wants although its Gateway is still there, as after a change of its class. */
  async #remove(key: string): Promise<void> {
    this.#applied.delete(key);
    const live = this.#sources.liveDeployments.get(key);
    if (!live || !isOurs(live)) return;
    if (this.#sources.judged.get(ownerOf(live)) !== 'decided') return;
    const { name = '', namespace } = live.metadata ?? {};
    for (const type of [...WORKLOAD_KINDS].reverse() as readonly ResourceType[]) {
      const present = await this.#client.find(type, name, namespace);
      if (present && isOurs(present)) await this.#client.delete(type, name, namespace, { preconditions: { uid: present.metadata?.uid ?? '' } });
    }
    this.#log.info({ workload: key }, 'workload of a Gateway removed');
  }
}

/** `namespace/name` of the Gateway behind a Deployment. */
function ownerOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.ownerReferences?.find(({ kind }) => kind === 'Gateway')?.name ?? ''}`;
}

function isOurs({ metadata }: KubernetesObject): boolean {
  return metadata?.labels?.[MANAGED_LABEL] === MANAGED_VALUE && (metadata.ownerReferences?.some(({ kind }) => kind === 'Gateway') ?? false);
}
