// Brings a rendering into the cluster wave by wave. Each call goes as far as it can and says what it waits for; nothing here sleeps.
import type { KubeClient } from '../../../shared/kube/index.ts';
import { applyObjects, diagnosePods, findUnready, isWorkload, type UnreadyWorkload, type WorkloadReference } from '../../apply/index.ts';
import { differingPaths, type Manifest, type ManifestWave } from '../../manifest/index.ts';
import type { ComponentState } from './mesh-status.ts';

/** How far a roll-out came. */
export interface RollOutProgress {
  /** Objects written in this pass. */
  readonly written: number;
  /** The first wave that is not ready, with what keeps it; absent when every wave is. */
  readonly awaited?: { readonly wave: ManifestWave; readonly unready: readonly UnreadyWorkload[] };
  readonly components: readonly ComponentState[];
}

/** Applies the waves in order. `waitForEach`: a wave is applied only when the one before is ready; otherwise all are, and readiness is only looked at. */
export async function rollOut(client: KubeClient, waves: readonly ManifestWave[], waitForEach: boolean): Promise<RollOutProgress> {
  const components: ComponentState[] = [];
  let written = 0;
  let awaited: RollOutProgress['awaited'];
  for (const wave of waves) {
    if (awaited && waitForEach) {
      components.push(...wave.components.map((name): ComponentState => ({ name, state: 'pending', hasWorkloads: workloadsOf(wave, name).length > 0 })));
      continue;
    }
    written += await applyObjects(client, wave.manifests.map(({ object }) => object), differingPaths);
    const unready = await findUnready(client, wave.manifests.filter(({ object }) => isWorkload(object)).map(reference));
    components.push(...wave.components.map((name) => componentState(wave, name, unready)));
    if (unready.length > 0) awaited ??= { wave, unready };
  }
  return { written, components, ...(awaited ? { awaited } : {}) };
}

/** What keeps a wave from becoming ready, in words: each workload with what its pods say. */
export async function explainUnready(client: KubeClient, wave: ManifestWave, unready: readonly UnreadyWorkload[]): Promise<string> {
  const texts = await Promise.all(unready.map(async (problem) => {
    const manifest = wave.manifests.find(({ component, object }) => component === problem.component && `${object.kind} ${object.metadata?.name ?? ''}` === problem.workload);
    const pods = manifest ? await diagnosePods(client, manifest.object) : undefined;
    return `component ${problem.component} (${problem.workload}): ${problem.reason}${pods ? `; ${pods}` : ''}`;
  }));
  return texts.join('; ');
}

function reference({ component, object }: Manifest): WorkloadReference {
  return { component, object };
}

function workloadsOf(wave: ManifestWave, component: string): Manifest[] {
  return wave.manifests.filter((manifest) => manifest.component === component && isWorkload(manifest.object));
}

function componentState(wave: ManifestWave, name: string, unready: readonly UnreadyWorkload[]): ComponentState {
  const problem = unready.find((workload) => workload.component === name);
  const hasWorkloads = workloadsOf(wave, name).length > 0;
  return problem ? { name, state: 'unready', hasWorkloads, message: `${problem.workload}: ${problem.reason}` } : { name, state: 'ready', hasWorkloads };
}
