// Brings one ServiceMeshControlPlane into being and keeps it so. One pass goes as far as it can; events and timers bring the next.
import { NamespaceResource } from '../../../shared/api/core/cluster.ts';
import type { ControlPlaneSpec } from '../../../shared/api/maistra/v2/spec.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { describeError, formatIssue, type Issue } from '../../../shared/lib/index.ts';
import { addFinalizer, hasFinalizer, isConflict, type EventRecorder, type KubeClient, type ReconcileResult } from '../../../shared/kube/index.ts';
import { FIELD_MANAGER, pruneOwned } from '../../apply/index.ts';
import { GENERATION_LABEL, MEMBER_OF_LABEL, ownerSelector, renderControlPlane, type Facts, type Rendering } from '../../manifest/index.ts';
import { checkVersionChange, type VersionRegistry } from '../../versions/index.ts';
import { ensureCertificateAuthority } from './certificate-authority.ts';
import { ensureClusterWideRoll } from './cluster-wide-roll.ts';
import { deleteMesh } from './deletion.ts';
import { namespacesOutsideMesh } from './mesh-namespaces.ts';
import { MeshStatus } from './mesh-status.ts';
import { meshGeneration, ProgressReport, type Pass } from './progress-report.ts';
import { explainUnready, rollOut, type RollOutProgress } from './roll-out.ts';
import { RolloutStateStore, type RolloutTarget } from './rollout-state.ts';

/** Finalizer on every control plane object. */
export const FINALIZER = 'maistra.io/istio-operator';
const WAIT_MILLISECONDS = 2_000;

/** What the reconciler needs. */
export interface ControlPlaneReconcilerOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly registry: VersionRegistry;
  readonly operatorVersion: string;
  readonly platform: Facts['platform'];
  /** Overrides the deadlines of version.yaml. */
  readonly waveDeadlineSeconds?: number;
}

/** Reconciles control planes by their key `namespace/name`. */
export class ControlPlaneReconciler {
  readonly #options: ControlPlaneReconcilerOptions;
  readonly #client: KubeClient;
  readonly #store: RolloutStateStore;
  readonly #report: ProgressReport;

  constructor(options: ControlPlaneReconcilerOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#store = new RolloutStateStore(options.client);
    this.#report = new ProgressReport(options.events, options.operatorVersion);
  }

  /** One pass. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const [namespace = '', name = ''] = key.split('/');
    const found = await this.#client.find(ServiceMeshControlPlaneResource, name, namespace);
    if (!found) return {};
    try {
      if (found.metadata?.deletionTimestamp) return await deleteMesh(this.#client, this.#options.events, found, FINALIZER);
      const mesh = hasFinalizer(found, FINALIZER) ? found : await addFinalizer(this.#client, ServiceMeshControlPlaneResource, found, FINALIZER);
      return await this.#bringUp(mesh);
    } catch (error) {
      // Another writer was first: look again with what it wrote.
      if (isConflict(error)) return { requeueAfterMilliseconds: 500 };
      throw error;
    }
  }

  async #bringUp(mesh: ServiceMeshControlPlane): Promise<ReconcileResult> {
    const pass: Pass = { mesh, status: new MeshStatus(mesh), generation: mesh.metadata?.generation ?? 1, state: await this.#store.load(mesh) };
    const earlier = await this.#earlierMesh(mesh);
    if (earlier) return this.#refuse(pass, 'ErrMultipleSMCPs', `reconciliation skipped: error: multiple ServiceMeshControlPlane resources exist in the namespace; ${earlier} is the one in force`);
    const target = this.#target(pass);
    const issues = this.#versionIssues(pass, target);
    if (issues.length > 0) return this.#refuse(pass, 'ValidationError', `Spec is invalid: ${issues.map(formatIssue).join('; ')}`);
    this.#report.reportUnsupported(pass);
    try {
      return await this.#rollOutTarget(pass, target);
    } catch (error) {
      this.#fail(pass, error);
      throw error;
    } finally {
      await pass.status.write(this.#client).catch((error: unknown) => { if (!isConflict(error)) throw error; });
    }
  }

  async #rollOutTarget(pass: Pass, target: RolloutTarget): Promise<ReconcileResult> {
    const { mesh, status } = pass;
    const before = pass.state;
    const facts = await this.#gatherFacts(mesh, target);
    const rendered = renderControlPlane(this.#options.registry, target.spec, facts);
    if (!rendered.ok) return this.#refuse(pass, isVersionIssue(rendered.error) ? 'ValidationError' : 'ReconcileError', `Error rendering manifests: ${rendered.error.map(formatIssue).join('; ')}`);
    const rendering = rendered.value;
    const outside = await namespacesOutsideMesh(this.#client, rendering.waves, facts.namespace);
    if (outside.length > 0) {
      await this.#refuse(pass, 'ReconcileError', `namespace of manifest not in mesh: ${outside.join(', ')}; add it to the ServiceMeshMemberRoll first`);
      return { requeueAfterMilliseconds: WAIT_MILLISECONDS };
    }
    status.merge({ appliedSpec: rendering.spec, appliedValues: appliedValues(rendering) });
    const settled = this.#isSettled(pass, target);
    if (!settled && this.#report.begin(pass)) await status.write(this.#client);
    await this.#labelNamespace(facts.namespace);
    if (rendering.spec.mode === 'ClusterWide') await ensureClusterWideRoll(this.#client, mesh);
    const progress = await rollOut(this.#client, rendering.waves, !settled);
    status.setComponents(progress.components);
    const result = progress.awaited && !settled ? await this.#await(pass, target, rendering, progress) : await this.#complete(pass, target, rendering, progress, facts);
    await this.#store.save(mesh, pass.state, before);
    return result;
  }

  /** What is to be in the cluster: the spec, or the last good one when this spec was rolled back. */
  #target({ mesh, generation, state }: Pass): RolloutTarget {
    if (state.failed?.generation === generation && state.lastGood) return state.lastGood;
    return { generation, spec: mesh.spec ?? {} };
  }

  #isSettled({ state }: Pass, target: RolloutTarget): boolean {
    return state.lastGood?.generation === target.generation && state.lastGood.operatorVersion === this.#options.operatorVersion;
  }

  #versionIssues({ state }: Pass, target: RolloutTarget): Issue[] {
    const { registry } = this.#options;
    const from = state.lastGood?.spec.version;
    const to = target.spec.version ?? registry.defaultVersion;
    const directory = registry.directory(to);
    if (!directory.ok) return directory.error;
    return from === undefined ? [] : checkVersionChange(registry, from, to);
  }

  async #earlierMesh(mesh: ServiceMeshControlPlane): Promise<string | undefined> {
    const { namespace = '', name, creationTimestamp = '' } = mesh.metadata ?? {};
    const age = (other: ServiceMeshControlPlane): string => `${other.metadata?.creationTimestamp ?? ''} ${other.metadata?.name ?? ''}`;
    const others = await this.#client.listAll(ServiceMeshControlPlaneResource, { namespace });
    return others.find((other) => other.metadata?.name !== name && age(other) < `${creationTimestamp} ${name ?? ''}`)?.metadata?.name;
  }

  async #gatherFacts(mesh: ServiceMeshControlPlane, target: RolloutTarget): Promise<Facts> {
    const { name = '', namespace = '', uid = '' } = mesh.metadata ?? {};
    return {
      name, namespace, uid, platform: this.#options.platform, meshGeneration: meshGeneration(this.#options.operatorVersion, target),
      rootCertificate: await ensureCertificateAuthority(this.#client, mesh, target.spec.security?.trust?.domain ?? 'cluster.local'),
    };
  }

  async #labelNamespace(name: string): Promise<void> {
    const namespace = await this.#client.get(NamespaceResource, name);
    if (namespace.metadata?.labels?.[MEMBER_OF_LABEL] === name) return;
    await this.#client.patch(NamespaceResource, name, undefined, { metadata: { labels: { [MEMBER_OF_LABEL]: name } } }, { fieldManager: FIELD_MANAGER });
  }

  /** A wave is not ready: wait, until its deadline has passed. */
  async #await(pass: Pass, target: RolloutTarget, rendering: Rendering, progress: RollOutProgress): Promise<ReconcileResult> {
    const { wave, unready } = progress.awaited!;
    const now = new Date();
    const { awaited } = pass.state;
    const since = awaited?.generation === target.generation && awaited.wave === wave.name ? awaited.since : now.toISOString();
    pass.state = { ...pass.state, awaited: { generation: target.generation, wave: wave.name, since } };
    const deadline = Date.parse(since) + this.#deadlineSeconds(rendering.spec, wave.deadlineSeconds) * 1000;
    if (now.getTime() < deadline) {
      this.#report.pause(pass, unready.map(({ component }) => component));
      return { requeueAfterMilliseconds: Math.min(WAIT_MILLISECONDS, Math.max(50, deadline - now.getTime())) };
    }
    const seconds = Math.round((deadline - Date.parse(since)) / 1000);
    const why = `did not become ready within ${seconds} seconds: ${await explainUnready(this.#client, wave, unready)}`;
    return this.#giveUp(pass, target, unready[0]?.component ?? wave.name, why);
  }

  #deadlineSeconds(spec: ControlPlaneSpec, own: number): number {
    const upgrade = spec.techPreview?.['upgrade'] as { waveDeadlineSeconds?: unknown } | undefined;
    const asked = Number(upgrade?.waveDeadlineSeconds);
    return Number.isFinite(asked) && asked > 0 ? asked : this.#options.waveDeadlineSeconds ?? own;
  }

  /** The deadline has passed: go back to what was good, or say that the installation does not come up. */
  #giveUp(pass: Pass, target: RolloutTarget, component: string, why: string): ReconcileResult {
    const { mesh, status, state } = pass;
    const { lastGood } = state;
    if (!lastGood) {
      const message = `Mesh generation ${target.generation} is not installed: it ${why}`;
      if (status.condition('Reconciled')?.message !== message) this.#options.events.warning(mesh, 'InstallError', message);
      this.#report.notReconciled(status, state, 'InstallError', message);
      return { requeueAfterMilliseconds: WAIT_MILLISECONDS };
    }
    const versions = `${target.spec.version ?? this.#options.registry.defaultVersion} (generation ${target.generation})`;
    const message = `The update to ${versions} was rolled back to ${lastGood.spec.version ?? this.#options.registry.defaultVersion} (generation ${lastGood.generation}): it ${why}`;
    const { awaited: _awaited, prunedFor: _prunedFor, ...rest } = state;
    pass.state = { ...rest, failed: { generation: target.generation, component, message, since: new Date().toISOString() } };
    this.#options.events.warning(mesh, 'UpdateRolledBack', message);
    this.#report.notReconciled(status, state, 'UpdateRolledBack', message);
    return { requeueAfterMilliseconds: 1 };
  }

  /** Every wave is applied, and ready or settled before: prune, and say how the mesh stands. */
  async #complete(pass: Pass, target: RolloutTarget, rendering: Rendering, progress: RollOutProgress, facts: Facts): Promise<ReconcileResult> {
    const { status } = pass;
    const isPruned = pass.state.prunedFor === facts.meshGeneration || (await this.#prune(facts));
    const { awaited: _awaited, prunedFor: _prunedFor, ...rest } = pass.state;
    const rolledBack = pass.state.failed?.generation === pass.generation;
    const before = pass.state.lastGood;
    pass.state = { ...rest, ...(isPruned ? { prunedFor: facts.meshGeneration } : {}), lastGood: { ...target, spec: { ...target.spec, version: rendering.directory.descriptor.name }, operatorVersion: this.#options.operatorVersion } };
    if (!rolledBack) delete (pass.state as { failed?: unknown }).failed;
    status.merge({ chartVersion: rendering.directory.descriptor.chartVersion, operatorVersion: this.#options.operatorVersion });
    if (rolledBack) status.set('Reconciled', 'False', 'UpdateRolledBack', pass.state.failed?.message ?? '');
    else this.#report.succeed(pass, target, before);
    this.#report.setReady(status, progress);
    return progress.awaited || !isPruned ? { requeueAfterMilliseconds: WAIT_MILLISECONDS } : {};
  }

  /** Deletes what older generations have left; false while some of it is still needed. */
  async #prune(facts: Facts): Promise<boolean> {
    const { waiting } = await pruneOwned(this.#client, ownerSelector(facts), (object) => {
      const written = object.metadata?.labels?.[GENERATION_LABEL];
      return written !== undefined && written !== facts.meshGeneration;
    });
    return waiting.length === 0;
  }

  /** The spec cannot be carried out: what runs stays as it is. */
  async #refuse(pass: Pass, reason: string, message: string): Promise<ReconcileResult> {
    this.#report.notReconciled(pass.status, pass.state, reason, message);
    await pass.status.write(this.#client);
    return {};
  }

  #fail({ status, state }: Pass, error: unknown): void {
    if (isConflict(error)) return;
    this.#report.notReconciled(status, state, state.lastGood ? 'ReconcileError' : 'InstallError', describeError(error));
  }

}

function isVersionIssue(issues: readonly Issue[]): boolean {
  return issues.every((issue) => issue.code.startsWith('MESH_OP_VERSION') || issue.code === 'MESH_OP_PROFILE');
}

/** The few values that explain what was rendered; certificates and templates are left out. */
function appliedValues({ values }: Rendering): Record<string, unknown> {
  return { istio: { revision: values['revision'], version: values['version'], images: values['images'], meshConfig: values['meshConfig'] } };
}
