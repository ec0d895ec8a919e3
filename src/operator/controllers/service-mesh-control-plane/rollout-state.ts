// What the operator must remember of a mesh's roll-outs across its own restarts: the last good spec, the wave under way, the last failure.
// Kept in a ConfigMap beside the mesh, which goes with it.
import type { ControlPlaneSpec } from '../../../shared/api/maistra/v2/spec.ts';
import type { ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { ServiceMeshControlPlaneResource } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { ConfigMapResource } from '../../../shared/api/core/cluster.ts';
import { deepEqual } from '../../../shared/lib/index.ts';
import { ownerReference, type KubeClient } from '../../../shared/kube/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import { ownerLabels } from '../../manifest/index.ts';

/** A spec with the generation that it had. */
export interface RolloutTarget {
  readonly generation: number;
  readonly spec: ControlPlaneSpec;
}

/** What is remembered. */
export interface RolloutState {
  /** What was wholly rolled out last, and by which operator. */
  readonly lastGood?: RolloutTarget & { readonly operatorVersion: string };
  /** The wave that is awaited, since when. */
  readonly awaited?: { readonly generation: number; readonly wave: string; readonly since: string };
  /** The generation that was rolled back: not tried again. */
  readonly failed?: { readonly generation: number; readonly component: string; readonly message: string; readonly since: string };
  /** Mesh generation whose predecessors have been deleted. */
  readonly prunedFor?: string;
}

/** Reads and writes the state of one mesh. */
export class RolloutStateStore {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async load(mesh: ServiceMeshControlPlane): Promise<RolloutState> {
    const { name = '', namespace } = mesh.metadata ?? {};
    const stored = await this.#client.find(ConfigMapResource, stateName(name), namespace);
    const text = stored?.data?.['state'];
    return text === undefined ? {} : (JSON.parse(text) as RolloutState);
  }

  /** Writes the state unless it is what `previous` was. */
  async save(mesh: ServiceMeshControlPlane, state: RolloutState, previous: RolloutState): Promise<void> {
    if (deepEqual(state, previous)) return;
    const { name = '', namespace = '' } = mesh.metadata ?? {};
    await this.#client.apply(ConfigMapResource, {
      metadata: { name: stateName(name), namespace, labels: ownerLabels({ name, namespace }), ownerReferences: [ownerReference(ServiceMeshControlPlaneResource, mesh)] },
      data: { state: JSON.stringify(state) },
    }, { fieldManager: FIELD_MANAGER, force: true });
  }
}

function stateName(mesh: string): string {
  return `istio-operator-state-${mesh}`;
}
