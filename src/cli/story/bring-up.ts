// Brings the story's mesh up on a cluster: CRDs, operator, control plane, members, applications, the first request.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverVersion, type KubeClient } from '../../shared/kube/index.ts';
import { YamlApplier } from '../cluster/apply-yaml.ts';
import { controlPlaneType, serviceType } from '../cluster/mesh-types.ts';
import { missingControlPlane, missingDeployments, missingMembers } from '../cluster/readiness.ts';
import { waitUntil } from '../cluster/wait.ts';
import type { Progress } from '../output/progress.ts';
import type { StoryCluster } from './cluster-starter.ts';
import { IngressClient } from './ingress.ts';
import { controlPlaneYaml, memberRollYaml, MEMBERS, MESH_NAME, MESH_NAMESPACE, namespacesYaml, OPERATOR_NAMESPACE } from './mesh-objects.ts';

/** What the story needs to begin. */
export interface BringUpOptions {
  readonly client: KubeClient;
  readonly root: string;
  readonly cluster: Pick<StoryCluster, 'nodeAddress' | 'profiles'>;
  readonly version: string;
  readonly zipkinAddress?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A mesh that answers. */
export interface RunningMesh {
  readonly applier: YamlApplier;
  readonly ingress: IngressClient;
}

const samples = [
  { namespace: 'bookinfo', title: 'Bookinfo', files: ['samples/bookinfo/bookinfo.yaml'], routing: ['samples/bookinfo/networking/destination-rule-all.yaml', 'samples/bookinfo/networking/bookinfo-gateway.yaml'] },
  { namespace: 'httpbin', title: 'httpbin', files: ['samples/httpbin/httpbin.yaml'], routing: ['samples/httpbin/httpbin-gateway.yaml'] },
] as const;

/** Does it all; each part's state is shown in the progress. */
export async function bringUp(options: BringUpOptions): Promise<RunningMesh> {
  const { client, root, version, progress, signal } = options;
  const applier = new YamlApplier(client, 'mizzen-up', signal);
  const applyFile = async (path: string, namespace?: string): Promise<void> => {
    await applier.apply(readFileSync(join(root, path), 'utf8'), namespace);
  };
  await progress.run('API server', () => serverVersion(client), ({ gitVersion }) => `${gitVersion} at ${client.server}`);
  await progress.run('custom resource definitions', () => applyDefinitions(client, applier, root, signal), (count) => `${count} kinds`);
  await progress.run('operator', async (report) => {
    if (!existsSync(join(root, 'deploy/operator.yaml'))) throw new Error('deploy/operator.yaml is missing; this copy of the program is not complete');
    await applyFile('deploy/operator.yaml');
    await waitUntil('the operator\'s start', () => missingDeployments(client, OPERATOR_NAMESPACE), { signal, report, timeoutMilliseconds: 90_000 });
  });
  await progress.run(`control plane ${MESH_NAME} ${version}`, async (report) => {
    await applier.apply(namespacesYaml());
// A cluster that was kept goes on with the version that it had.
    if (!(await client.find(controlPlaneType, MESH_NAME, MESH_NAMESPACE))) await applier.apply(controlPlaneYaml(version, options.cluster.profiles, options.zipkinAddress));
    await applier.apply(memberRollYaml());
    await waitUntil('the control plane\'s installation', () => missingControlPlane(client, MESH_NAME, MESH_NAMESPACE), { signal, report, timeoutMilliseconds: 180_000 });
  });
  await progress.run('members', (report) => waitUntil('the members\' configuration', () => missingMembers(client, MESH_NAMESPACE, MEMBERS), { signal, report }), () => MEMBERS.join(', '));
  await Promise.all(samples.map(({ namespace, title, files, routing }) => progress.run(title, async (report) => {
    for (const file of files) await applyFile(file, namespace);
    for (const file of routing) await applyFile(file, namespace);
    await waitUntil(`the start of ${title}`, () => missingDeployments(client, namespace), { signal, report, timeoutMilliseconds: 120_000 });
  })));
  const ingress = await progress.run('first request through the ingress gateway', () => firstRequest(options), (found) => `${found.url}/productpage answers 200`);
  return { applier, ingress };
}

async function applyDefinitions(client: KubeClient, applier: YamlApplier, root: string, signal: AbortSignal): Promise<number> {
  const files = readdirSync(join(root, 'crds')).filter((file) => file.endsWith('.yaml'));
  if (files.length === 0) throw new Error('the folder crds is empty; this copy of the program is not complete');
  const applied = (await Promise.all(files.map((file) => applier.apply(readFileSync(join(root, 'crds', file), 'utf8'))))).flat();
  await waitUntil('the establishment of the definitions', async () => {
    for (const { type, object } of applied) {
      const present = (await client.get(type, object.metadata?.name ?? '')) as { status?: { conditions?: { type: string; status: string }[] } };
      if (!present.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True')) return `not established: ${object.metadata?.name}`;
    }
    return undefined;
  }, { signal });
  return applied.length;
}

async function firstRequest({ client, cluster, signal }: BringUpOptions): Promise<IngressClient> {
  const service = await client.get(serviceType, 'istio-ingressgateway', MESH_NAMESPACE);
  const port = service.spec?.ports?.find((one) => one.port === 80)?.nodePort;
  if (port === undefined) throw new Error('the Service istio-ingressgateway has no node port for its port 80; its type must be LoadBalancer or NodePort');
  const ingress = new IngressClient(cluster.nodeAddress, port);
  await waitUntil('the first answer 200', async () => {
    for (const target of [{ path: '/productpage' }, { path: '/get', host: 'httpbin.example.com' }]) {
      const { status, body } = await ingress.send({ ...target, timeoutMilliseconds: 5_000 });
      if (status !== 200) return `${target.path} answers ${status} ${body.slice(0, 120)}`.trim();
    }
    return undefined;
  }, { signal, timeoutMilliseconds: 60_000, intervalMilliseconds: 150 });
  return ingress;
}
