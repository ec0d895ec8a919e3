// The story of `mizzen up`: a mesh from nothing, then either what to try with it or the smoke test.
import { writeFileSync } from 'node:fs';
import { KubeClient } from '../../shared/kube/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { diagnosePods } from '../cluster/diagnose.ts';
import { controlPlaneType } from '../cluster/mesh-types.ts';
import { Progress, type TextSink } from '../output/progress.ts';
import { bringUp, type RunningMesh } from './bring-up.ts';
import type { StoryCluster } from './cluster-starter.ts';
import { MEMBERS, MESH_NAME, MESH_NAMESPACE, OPERATOR_NAMESPACE } from './mesh-objects.ts';
import { runSmoke } from './smoke/run-smoke.ts';
import { SpanCollector } from './smoke/span-collector.ts';
import { thingsToTry } from './things-to-try.ts';

/** What the user asked for. */
export interface StoryOptions {
  readonly smoke: boolean;
  /** File for the smoke test's result. */
  readonly json?: string;
  /** Leaves everything running after the smoke test, until interrupted. */
  readonly keep: boolean;
  /** Mesh version to install. */
  readonly version: string;
  /** What the cluster is called while it is started. */
  readonly clusterTitle: StoryCluster['title'];
  /** Gives the cluster to run on. */
  readonly startCluster: () => Promise<StoryCluster>;
}

/** What the story runs with. */
export interface StoryEnvironment {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly root: string;
  readonly signal: AbortSignal;
}

/** Tells the story; gives the exit status. */
export async function tellStory(options: StoryOptions, environment: StoryEnvironment): Promise<number> {
  const { stdout, signal } = environment;
  const progress = new Progress(stdout);
  const collector = options.smoke ? new SpanCollector() : undefined;
  let cluster: StoryCluster | undefined;
  let client: KubeClient | undefined;
  try {
    cluster = await progress.run(options.clusterTitle, options.startCluster, ({ nodeAddress }) => `node at ${nodeAddress}`);
    client = KubeClient.fromDefault({ kubeconfig: cluster.kubeconfig });
    const zipkinAddress = await collector?.start(cluster.ownAddress);
    const mesh = await bringUp({ client, root: environment.root, cluster, version: options.version, progress, signal, ...(zipkinAddress ? { zipkinAddress } : {}) });
    const readySeconds = Math.round(performance.now() / 100) / 10;
    progress.settle();
    stdout.write(`\nReady after ${readySeconds.toFixed(1)} s.\n\n`);
    const ok = options.smoke && collector ? await smoke(options, environment, { client, mesh, collector, readySeconds }) : true;
    if (!options.smoke || options.keep) {
      stdout.write(thingsToTry(mesh.ingress.url, cluster.kubeconfig));
      await untilAborted(signal);
    }
    mesh.ingress.close();
    return ok ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return 130;
    await explainFailure(error, client, options, environment);
    return 1;
  } finally {
    progress.settle();
    await collector?.stop();
    client?.close();
    await stopEverything(cluster, stdout);
  }
}

async function smoke(options: StoryOptions, { stdout, signal, root }: StoryEnvironment, parts: { client: KubeClient; mesh: RunningMesh; collector: SpanCollector; readySeconds: number }): Promise<boolean> {
  const { client, mesh, collector, readySeconds } = parts;
  const steps = await runSmoke({ client, applier: mesh.applier, ingress: mesh.ingress, collector, root, signal, log: (line) => stdout.write(`    ${line}\n`) }, new Progress(stdout));
  const failed = steps.filter((step) => !step.ok);
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ ready_seconds: readySeconds, steps }, undefined, 2)}\n`);
  stdout.write(`\n${steps.length - failed.length} of ${steps.length} steps hold${failed.length > 0 ? `; failed: ${failed.map((step) => step.name).join(', ')}` : ''}.\n`);
  return failed.length === 0;
}

/** Which component, why, and what to do. */
async function explainFailure(error: unknown, client: KubeClient | undefined, { clusterTitle }: StoryOptions, { stderr }: StoryEnvironment): Promise<void> {
  stderr.write(`\nThe mesh did not come up: ${describeError(error)}\n`);
  if (!client) {
    if (clusterTitle === 'sandbox') stderr.write('The sandbox itself did not start. Another one may use the same addresses; stop it, or look at the lines above.\n');
    return;
  }
  try {
    const mesh = await client.find(controlPlaneType, MESH_NAME, MESH_NAMESPACE);
    for (const { type, status, reason, message } of mesh?.status?.conditions ?? []) stderr.write(`control plane: ${type}=${status} ${reason ?? ''} ${message ?? ''}\n`);
    for (const line of await diagnosePods(client, [OPERATOR_NAMESPACE, MESH_NAMESPACE, ...MEMBERS])) stderr.write(`${line}\n`);
    if (clusterTitle === 'sandbox') stderr.write('The lines above come from the pods themselves; run the command again with MIZZEN_LOG=debug for the sandbox\'s own.\n');
  } catch (cause) {
    stderr.write(`The cluster cannot be asked for more: ${describeError(cause)}\n`);
  }
}

async function stopEverything(cluster: StoryCluster | undefined, stdout: TextSink): Promise<void> {
  if (cluster?.title === 'sandbox') await new Progress(stdout).run('stopping everything', () => cluster.stop());
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // Something must keep the process alive while nothing happens.
  const alive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => signal.addEventListener('abort', () => {
    clearInterval(alive);
    resolve();
  }, { once: true }));
}
