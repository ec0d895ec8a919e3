// The status of a control plane object, built up during a reconciliation and written once, if it differs.
import type { Condition } from '../../../shared/api/meta/index.ts';
import { ServiceMeshControlPlaneResource, type ControlPlaneStatus, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { deepEqual } from '../../../shared/lib/index.ts';
import { getCondition, setCondition, type KubeClient } from '../../../shared/kube/index.ts';

type ConditionType = 'Installed' | 'Reconciled' | 'Ready' | 'SpecSupported';

/** How one component stands. */
export interface ComponentState {
  readonly name: string;
  /** ready; unready: applied and not (or no longer) ready; pending: its wave has not come yet. */
  readonly state: 'ready' | 'unready' | 'pending';
  readonly hasWorkloads: boolean;
  readonly message?: string;
}

/** A status in the making. */
export class MeshStatus {
  readonly #mesh: ServiceMeshControlPlane;
  #status: ControlPlaneStatus;
  /** What the object has now. */
  #written: ControlPlaneStatus | undefined;

  constructor(mesh: ServiceMeshControlPlane) {
    this.#mesh = mesh;
    this.#written = mesh.status;
    this.#status = mesh.status ? structuredClone(mesh.status) : { readiness: { components: { ready: [], unready: [], pending: [] } } };
  }

  get current(): ControlPlaneStatus {
    return this.#status;
  }

  condition(type: ConditionType): Condition | undefined {
    return getCondition(this.#status.conditions, type);
  }

  set(type: ConditionType, status: Condition['status'], reason: string, message: string): void {
    this.#status = { ...this.#status, conditions: setCondition(this.#status.conditions, { type, status, reason, message }) as NonNullable<ControlPlaneStatus['conditions']> };
  }

  remove(type: ConditionType): void {
    this.#status = { ...this.#status, conditions: (this.#status.conditions ?? []).filter((condition) => condition.type !== type) };
  }

  merge(fields: Partial<ControlPlaneStatus>): void {
    this.#status = { ...this.#status, ...fields };
  }

  /** Writes the components into readiness, components and annotations. */
  setComponents(components: readonly ComponentState[]): void {
    const named = (state: ComponentState['state']): string[] => components.filter((component) => component.state === state).map((component) => component.name).sort();
    const previous = new Map((this.#status.components ?? []).map((component) => [component.resource, component.conditions]));
    const alwaysReady = components.filter((component) => !component.hasWorkloads).map((component) => component.name).sort().join(',');
    this.merge({
      readiness: { components: { ready: named('ready'), unready: named('unready'), pending: named('pending') } },
      components: components.map((component) => ({
        resource: component.name,
        conditions: componentConditions(component, previous.get(component.name) as Condition[] | undefined) as NonNullable<ControlPlaneStatus['conditions']>,
      })),
      annotations: { ...this.#status.annotations, readyComponentCount: `${named('ready').length}/${components.length}`, alwaysReadyComponents: alwaysReady },
    });
  }

  /** Writes the status if it is not what the object has; returns whether it wrote. */
  async write(client: KubeClient): Promise<boolean> {
    if (deepEqual(this.#status, this.#written)) return false;
    const { name = '', namespace } = this.#mesh.metadata ?? {};
    // A merge patch would keep keys that are gone from appliedSpec, so the whole status is replaced by JSON patch.
    const operation = this.#written === undefined ? 'add' : 'replace';
    await client.patch(ServiceMeshControlPlaneResource, name, namespace, [{ op: operation, path: '/status', value: this.#status }], { kind: 'json', subresource: 'status' });
    this.#written = this.#status;
    return true;
  }
}

function componentConditions(component: ComponentState, previous: readonly Condition[] | undefined): Condition[] {
  const reconciled = component.state === 'pending'
    ? { type: 'Reconciled', status: 'False' as const, reason: 'Pending', message: 'Waiting for earlier components' }
    : { type: 'Reconciled', status: 'True' as const, reason: 'ReconcileSuccessful', message: 'Successfully reconciled' };
  const ready = component.state === 'ready'
    ? { type: 'Ready', status: 'True' as const, reason: 'ComponentsReady', message: 'Available' }
    : { type: 'Ready', status: 'False' as const, reason: 'ComponentsNotReady', message: component.message ?? 'Not applied yet' };
  return setCondition(setCondition(previous, reconciled), ready);
}
