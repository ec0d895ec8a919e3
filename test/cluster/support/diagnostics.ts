// What one wants to see when a test on the cluster failed: pods, events, and the ends of the logs of control plane, operator and proxies.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterUnderTest } from './cluster-under-test.ts';

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly spec: { readonly containers: readonly { readonly name: string }[]; readonly initContainers?: readonly { readonly name: string }[] };
  }[];
}

const FOLDER = fileURLToPath(new URL('../../../.cache/cluster-diagnostics', import.meta.url));
const LINES = 80;

/** Writes the state of the cluster to a file; gives its path. */
export async function writeDiagnostics({ cluster, kubectl }: ClusterUnderTest, name: string): Promise<string> {
  const sections: string[] = [];
  const section = async (title: string, args: readonly string[]) => {
    const { stdout, stderr } = await kubectl.attempt(args, { timeoutMilliseconds: 15_000 });
    sections.push(`===== ${title}\n${stdout}${stderr}`);
  };
  await section('pods', ['get', 'pods', '--all-namespaces', '--output=wide']);
  await section('services', ['get', 'services', '--all-namespaces', '--output=wide']);
  await section('events', ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp']);
  await section('mesh', ['get', 'servicemeshcontrolplane,servicemeshmemberroll', '--all-namespaces', '--output=yaml']);
  const pods = JSON.parse((await kubectl.attempt(['get', 'pods', '--all-namespaces', '--output=json'])).stdout || '{"items":[]}') as PodList;
  for (const { metadata, spec } of pods.items) {
    if (metadata.namespace === 'kube-system') continue;
    for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
      const log = ['--namespace', metadata.namespace, 'logs', metadata.name, '--container', container.name, `--tail=${LINES}`];
      await section(`log of ${metadata.namespace}/${metadata.name} ${container.name}`, log);
    }
  }
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name.replace(/[^\w]+/g, '-').slice(0, 120)}.txt`);
  const components = (await cluster.components()).map(({ node, name: component, running, unexpectedEnds, lastEnd }) => `${node} ${component} ${running ? 'runs' : 'does not run'}, ended by itself ${unexpectedEnds} times ${lastEnd}`);
  writeFileSync(file, `cluster ${cluster.name}, its own logs in ${cluster.folder}\n${components.join('\n')}\n${sections.join('\n')}`);
  return file;
}
