// Deletes objects: preconditions, finalizers, propagation policies and the graceful deletion of pods.
import type { KubeObject, Store } from '../store/index.ts';
import type { Admission } from './admission.ts';
import { isFinished } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceInfo } from './resource-info.ts';
import { conflict, notFound } from './status.ts';
import type { Target } from './target.ts';
import { timestamp } from './timestamps.ts';

const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';
/** Keeps a CustomResourceDefinition until its objects are gone. */
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** DeleteOptions of the API. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly dryRun?: readonly string[] | undefined;
  readonly orphanDependents?: boolean | undefined;
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined;
}

/** Whether the options themselves ask for a rehearsal, as `kubectl drain --dry-run=server` does. */
export function isDryRun(options: DeleteOptions | undefined): boolean {
  return (options?.dryRun ?? []).includes('All');
}

/** The outcome: the object's last or present state, and whether it is gone. */
export interface Deletion {
  readonly object: KubeObject;
  readonly gone: boolean;
}

/** Deletes one object, or marks it when something has to happen before. */
export class Deleter {
  readonly #store: Store;
  readonly #admission: Admission;

  constructor(store: Store, admission: Admission) {
    this.#store = store;
    this.#admission = admission;
  }

  async delete(asked: RequestContext, target: Target, options: DeleteOptions): Promise<Deletion> {
    const context = { ...asked, dryRun: asked.dryRun || isDryRun(options) };
    const { info, namespace, name } = target;
    const found = this.#store.get(info.storeKey, namespace, name);
    if (!found) throw notFound(info, name);
    checkPreconditions(target, found, options);
    await this.#admission.admitDeletion(context, target, found, options);
    const live = this.#store.get(info.storeKey, namespace, name);
    if (!live) throw notFound(info, name);
    checkPreconditions(target, live, options);
    if (context.dryRun) return { object: live, gone: true };
    return this.#mark(target, live, options);
  }

  #mark(target: Target, live: KubeObject, options: DeleteOptions): Deletion {
    const { info, namespace, name } = target;
    const marked = markForDeletion(target, live, options);
    if (isFinished(info, marked)) {
      const last = this.#store.remove(info.storeKey, namespace, name);
      // Only those that can be given time to end are seen marked when they get none.
      return { object: info.storeKey === '/pods' ? { ...marked, metadata: { ...marked.metadata, resourceVersion: (last ?? live).metadata.resourceVersion } } : last ?? live, gone: true };
    }
    if (JSON.stringify(marked) === JSON.stringify(live)) return { object: live, gone: false };
    return { object: this.#store.put(info.storeKey, marked), gone: false };
  }
}

function checkPreconditions(target: Target, object: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== object.metadata.uid) throw conflict({ ...target.info, plural: target.info.kind }, target.name, `the UID in the precondition (${uid}) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`);
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) throw conflict({ ...target.info, plural: target.info.kind }, target.name, `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${object.metadata.resourceVersion}). The object might have been modified`);
}

/** The object with deletionTimestamp, grace period and the finalizers of its propagation policy. */
function markForDeletion({ info }: Target, object: KubeObject, options: DeleteOptions): KubeObject {
  const already = object.metadata.deletionTimestamp !== undefined;
  const { seconds, end } = endOf(info, object, options);
  const finalizers = finalizersFor(object, options);
  // A definition waits until its objects are gone.
  if (info.storeKey === CRDS && !already) finalizers.push(CRD_FINALIZER);
  const isMarkedOnly = info.storeKey === '/namespaces' || info.storeKey === CRDS;
  const metadata = {
    ...object.metadata,
    deletionTimestamp: end,
    ...(isMarkedOnly ? {} : { deletionGracePeriodSeconds: seconds }),
    ...(object.metadata.generation !== undefined && !already && info.storeKey !== CRDS ? { generation: object.metadata.generation + 1 } : {}),
    ...(finalizers.length > 0 ? { finalizers } : {}),
  };
  if (finalizers.length === 0) delete metadata.finalizers;
  const marked = { ...object, metadata };
  if (info.storeKey === CRDS && !already) return { ...marked, status: endingStatus(object) };
  return info.storeKey === '/namespaces' ? { ...marked, status: { ...object.status, phase: 'Terminating' } } : marked;
}

/** What a definition says of itself from the moment in which its end is asked for. */
function endingStatus({ status }: KubeObject): object {
  const ending = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon', lastTransitionTime: timestamp() };
  return { ...status, conditions: [...(status?.conditions ?? []), ending] };
}

/** How long an object has from now on, and when that is over; a second deletion can only make it shorter. */
function endOf(info: ResourceInfo, object: KubeObject, options: DeleteOptions): { seconds: number; end: string } {
  const grace = info.storeKey === '/pods' ? podGrace(object, options) : 0;
  const { deletionTimestamp, deletionGracePeriodSeconds: left = 0 } = object.metadata;
  if (deletionTimestamp !== undefined && grace >= left) return { seconds: left, end: deletionTimestamp };
  return { seconds: grace, end: timestamp(new Date(Date.now() + grace * 1000)) };
}

/** Pods that no node has yet, or that have ended, need no time. */
function podGrace(pod: KubeObject, options: DeleteOptions): number {
  if (!pod.spec?.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
  const wanted = options.gracePeriodSeconds ?? Number(pod.spec.terminationGracePeriodSeconds ?? 30);
  return Math.max(0, wanted);
}

function finalizersFor(object: KubeObject, options: DeleteOptions): string[] {
  const present = object.metadata.finalizers ?? [];
  const policy = options.propagationPolicy ?? (options.orphanDependents === true ? 'Orphan' : undefined);
  if (policy === undefined) return [...present];
  const others = present.filter((name) => name !== 'foregroundDeletion' && name !== 'orphan');
  if (policy === 'Foreground') return [...others, 'foregroundDeletion'];
  return policy === 'Orphan' ? [...others, 'orphan'] : others;
}
