// Repairs pods of this node that started without capture: on a fresh node a pod may come before the plugin. Its container istio-validation fails with Istio's status for that,
// again and again; the rules are then made in the pod's running network namespace, and the container's next try passes.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PodResource, type Pod } from '../../shared/api/core/workloads.ts';
import { EventRecorder, Informer, type KubeClient } from '../../shared/kube/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { NOT_CAPTURED_STATUS, programRunner, type RunProgram } from '../firewall/index.ts';
import { captureNamespace } from '../service/index.ts';

/** What repair needs. */
export interface PodRepairOptions {
  readonly client: KubeClient;
  readonly node: string;
  readonly namespaceDirectory: string;
  /** For tests: runs the tools in a namespace. */
  readonly runnerFor?: (networkNamespace: string) => RunProgram;
}

const VALIDATION_CONTAINER = 'istio-validation';
const log = createLogger('repair');

/** Watches the node's pods between `start` and `stop`. */
export class PodRepair {
  readonly name = 'pod repair';
  readonly #options: PodRepairOptions;
  readonly #informer: Informer<Pod>;
  readonly #events: EventRecorder;
  /** Runs of the container that were seen to fail, by the pod's uid: each is acted on once. */
  readonly #seen = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: PodRepairOptions) {
    this.#options = options;
    this.#informer = new Informer(options.client, PodResource, { fieldSelector: `spec.nodeName=${options.node}`, transform: whatIsRead });
    this.#events = new EventRecorder(options.client, 'istio-cni-node');
  }

  start(signal: AbortSignal): Promise<void> {
    this.#informer.onChange((change) => {
      if (change.type === 'deleted') this.#seen.delete(change.object.metadata?.uid ?? '');
      else if (isUncaptured(change.object)) this.#work = this.#work.then(() => this.#repair(change.object));
    });
    // Pods are captured also while the API server is away, so nothing waits for it.
    void this.#informer.start(signal);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
    await this.#work;
    await this.#events.flush();
  }

  async #repair(pod: Pod): Promise<void> {
    const { uid = '', namespace = '', name = '' } = pod.metadata ?? {};
    const restarts = validationStatus(pod)?.restartCount ?? 0;
    if (this.#seen.get(uid) === restarts) return; // news of the same failure
    this.#seen.set(uid, restarts);
    const fields = { pod: `${namespace}/${name}` };
    try {
      const outcome = await this.#captureRunning(pod);
      log.info({ ...fields, outcome }, 'pod that had started without capture repaired');
      this.#events.normal(pod, 'CaptureRepaired', 'The pod had started before the mesh\'s CNI plugin was on its node; its traffic is now captured');
    } catch (error) {
      const reason = describeError(error);
      log.warn({ ...fields, error: reason }, 'pod without capture not repaired');
      this.#events.warning(pod, 'CaptureNotRepaired', `The pod's traffic is not captured: ${reason}`);
    }
  }

  async #captureRunning(pod: Pod): Promise<string> {
    const address = pod.status?.podIP;
    if (address === undefined) throw new Error('the pod has no address yet');
    const path = await this.#networkNamespaceOf(address);
    if (path === undefined) throw new Error(`no network namespace of this node has the address ${address}`);
    return captureNamespace(pod.metadata?.annotations ?? {}, path, this.#options.runnerFor);
  }

  async #networkNamespaceOf(address: string): Promise<string | undefined> {
    const { namespaceDirectory, runnerFor = programRunner } = this.#options;
    for (const name of await readdir(namespaceDirectory)) {
      const path = join(namespaceDirectory, name);
      const addresses = await runnerFor(path)('ip', ['-oneline', 'address', 'show']).catch(() => ''); // a namespace that is just going
      if (addresses.includes(` ${address}/`)) return path;
    }
    return undefined;
  }
}

/** Whether the pod's own check has found that its traffic is not captured. */
function isUncaptured(pod: Pod): boolean {
  if (pod.metadata?.annotations?.['sidecar.istio.io/status'] === undefined || pod.metadata.deletionTimestamp !== undefined) return false;
  const status = validationStatus(pod);
  const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined);
  return ended?.exitCode === NOT_CAPTURED_STATUS && pod.status?.phase === 'Pending';
}

function validationStatus(pod: Pod): NonNullable<NonNullable<Pod['status']>['initContainerStatuses']>[number] | undefined {
  return pod.status?.initContainerStatuses?.find((status) => status.name === VALIDATION_CONTAINER);
}

// A node has a hundred pods, and all that is needed of one is little.
function whatIsRead({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, annotations, ownerReferences, deletionTimestamp } = metadata ?? {};
  return {
    apiVersion: apiVersion ?? 'v1', kind: kind ?? 'Pod',
    metadata: { ...metadata, name, namespace, uid, resourceVersion, annotations, ownerReferences, deletionTimestamp, labels: undefined },
    status: { ...(status?.phase === undefined ? {} : { phase: status.phase }), ...(status?.podIP === undefined ? {} : { podIP: status.podIP }), ...(status?.initContainerStatuses ? { initContainerStatuses: status.initContainerStatuses } : {}) },
  };
}
