// What one pass over a control plane says of itself: conditions in its status and events, in Maistra's words.
import type { ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { EventRecorder } from '../../../shared/kube/index.ts';
import { unsupportedFields } from '../../manifest/index.ts';
import type { MeshStatus } from './mesh-status.ts';
import type { RollOutProgress } from './roll-out.ts';
import type { RolloutState, RolloutTarget } from './rollout-state.ts';

/** One pass over a control plane: its object, the status in the making, and what is remembered of its roll-outs. */
export interface Pass {
  readonly mesh: ServiceMeshControlPlane;
  readonly status: MeshStatus;
  readonly generation: number;
  state: RolloutState;
}

/** The mesh generation that a target's objects are labelled with. */
export function meshGeneration(operatorVersion: string, { generation }: RolloutTarget): string {
  return `${operatorVersion}-${generation}`;
}

/** Writes the conditions of a pass, and an event when something begins or ends. */
export class ProgressReport {
  readonly #events: EventRecorder;
  readonly #operatorVersion: string;

  constructor(events: EventRecorder, operatorVersion: string) {
    this.#events = events;
    this.#operatorVersion = operatorVersion;
  }

  /** Notes the start of a roll-out in the conditions; false when it was noted already. */
  begin({ mesh, status, generation, state }: Pass): boolean {
    const operatorVersion = this.#operatorVersion;
    const previous = status.current.observedGeneration ?? 0;
    const first = !state.lastGood;
    const message = first ? `Installing mesh generation ${generation}`
      : previous === generation ? `Updating mesh due to operator version change (${state.lastGood?.operatorVersion ?? ''} to ${operatorVersion})` : `Updating mesh from generation ${previous} to generation ${generation}`;
    const reason = first ? 'ResourceCreated' : previous === generation ? 'OperatorUpdated' : 'SpecUpdated';
    if (status.condition('Reconciled')?.status === 'False' && state.awaited?.generation === generation) return false;
    if (first) status.set('Installed', 'False', reason, message);
    status.set('Reconciled', 'False', reason, message);
    status.set('Ready', 'False', reason, message);
    this.#events.normal(mesh, first ? 'Installing' : 'Updating', message);
    return true;
  }

  /** The pass waits for components. */
  pause({ mesh, status, state }: Pass, components: readonly string[]): void {
    const reason = state.lastGood ? 'PausingUpdate' : 'PausingInstall';
    const message = `Paused until the following components become ready: [${[...new Set(components)].sort().join(' ')}]`;
    if (status.condition('Reconciled')?.message !== message) this.#events.normal(mesh, reason, message);
    this.notReconciled(status, state, reason, message);
  }

  /** Nothing of the target is in force yet, or not all. */
  notReconciled(status: MeshStatus, state: RolloutState, reason: string, message: string): void {
    if (!state.lastGood) status.set('Installed', 'False', reason, message);
    status.set('Reconciled', 'False', reason, message);
    status.set('Ready', 'False', reason, message);
  }

  /** The target is wholly rolled out. */
  succeed({ mesh, status }: Pass, target: RolloutTarget, before: RolloutState['lastGood']): void {
    const operatorVersion = this.#operatorVersion;
    const now = meshGeneration(operatorVersion, target);
    const then = before ? `${before.operatorVersion}-${before.generation}` : undefined;
    status.merge({ observedGeneration: target.generation });
    if (then === now && status.condition('Reconciled')?.status === 'True') return;
    const fresh = then === undefined;
    status.set('Installed', 'True', 'InstallSuccessful', fresh ? 'Successfully installed all mesh components' : status.condition('Installed')?.message ?? 'Successfully installed all mesh components');
    if (fresh) status.set('Reconciled', 'True', 'InstallSuccessful', `Successfully installed version ${now}`);
    else if (then === now) status.set('Reconciled', 'True', 'ReconcileSuccessful', 'Successfully reconciled');
    else status.set('Reconciled', 'True', 'UpdateSuccessful', `Successfully updated from version ${then} to version ${now}`);
    this.#events.normal(mesh, fresh ? 'Installed' : 'Updated', status.condition('Reconciled')?.message ?? operatorVersion);
  }

  /** Whether what runs is ready, whatever was asked for. */
  setReady(status: MeshStatus, progress: RollOutProgress): void {
    const unready = progress.components.filter((component) => component.state !== 'ready').map((component) => component.name).sort();
    if (unready.length === 0) status.set('Ready', 'True', 'ComponentsReady', 'All component deployments are Available');
    else status.set('Ready', 'False', 'ComponentsNotReady', `The following components are not fully available: [${unready.join(' ')}]`);
  }

  /** Fields of the user's own spec without effect. */
  reportUnsupported({ mesh, status }: Pass): void {
    const fields = unsupportedFields(mesh.spec ?? {});
    if (fields.length === 0) status.remove('SpecSupported');
    else status.set('SpecSupported', 'False', 'FieldsWithoutEffect', `These fields are kept but have no effect in this version: ${fields.join(', ')}`);
  }
}
