import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { PodResource, type Pod } from '../../shared/api/core/workloads.ts';
import { KubeClient } from '../../shared/kube/index.ts';
import type { RunProgram } from '../firewall/index.ts';
import { PodRepair } from './pod-repair.ts';


/** A pod of the node whose check has ended with a status, and its try's number. */
function pod(name: string, exitCode: number, restartCount = 0, annotations: Record<string, string> = { 'sidecar.istio.io/status': '{}' }): Pod & { metadata: { name: string; namespace: string } } {
  return {
    metadata: { name, namespace: 'shop', annotations }, spec: { nodeName: 'here', containers: [] },
    status: { phase: 'Pending', podIP: '10.0.0.7', initContainerStatuses: [{ name: 'istio-validation', restartCount, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode } } }] },
  };
}

async function node(networkNamespaces: Record<string, string>): Promise<{ client: KubeClient; server: FakeKubeApiServer; applied: string[] }> {
  const server = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: server.kubeconfig });
  const namespaceDirectory = await mkdtemp(join(tmpdir(), 'repair-'));
  for (const name of Object.keys(networkNamespaces)) await writeFile(join(namespaceDirectory, name), '');
  const applied: string[] = [];
  const runnerFor = (path: string): RunProgram => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    let rules = '';
    return async (program, args, input = '') => {
      if (program === 'ip') return args.includes('-6') ? '' : `2: eth0    inet ${networkNamespaces[name] ?? ''}/24 brd 10.0.0.255 scope global eth0\n`;
      if (program.endsWith('-restore')) {
        rules = input;
        applied.push(name);
      }
      return program.endsWith('-nft-save') ? rules : '';
    };
  };
  const repair = new PodRepair({ client, node: 'here', namespaceDirectory, runnerFor });
  await repair.start(new AbortController().signal);
  onTestFinished(async () => {
    await repair.stop();
    client.close();
    await server.stop();
    await rm(namespaceDirectory, { recursive: true });
  });
  return { client, server, applied };
}

const reasons = (server: FakeKubeApiServer): string[] => server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/events')).map(({ body }) => (body as { reason: string }).reason);

describe('PodRepair', () => {
  it('captures a running pod whose check failed, once for each failure', async () => {
    const { client, server, applied } = await node({ a: '10.0.0.70', b: '10.0.0.7' });
    await client.create(PodResource, pod('early', 126));
    await vi.waitFor(() => expect(applied).toEqual(['b']));
    await vi.waitFor(() => expect(reasons(server)).toEqual(['CaptureRepaired']));
    await client.patch(PodResource, 'early', 'shop', { metadata: { labels: { news: 'none' } } });
    await client.patch(PodResource, 'early', 'shop', { status: pod('early', 126, 1).status });
    await vi.waitFor(() => expect(applied).toEqual(['b', 'b']));
  });

  it('leaves pods alone that fail for another reason, pass, or are not the mesh\'s', async () => {
    const { client, applied } = await node({ b: '10.0.0.7' });
    await client.create(PodResource, pod('broken', 1));
    await client.create(PodResource, pod('fine', 0));
    await client.create(PodResource, pod('foreign', 126, 0, {}));
    await client.create(PodResource, pod('last', 126));
    await vi.waitFor(() => expect(applied).toEqual(['b']));
  });

  it('says what it cannot repair', async () => {
    const { client, server, applied } = await node({ a: '10.0.0.70' });
    await client.create(PodResource, pod('lost', 126));
    await vi.waitFor(() => expect(reasons(server)).toEqual(['CaptureNotRepaired']));
    expect(applied).toEqual([]);
  });
});
