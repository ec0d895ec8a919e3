// The sandbox as a whole: starting, what is in it, restarting its API server, going on with kept objects, stopping.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventually, get } from './testdata/eventually.ts';
import { PODS, startTestCluster, type TestCluster } from './testdata/test-cluster.ts';

const directory = mkdtempSync(join(tmpdir(), 'sandbox-'));
let cluster: TestCluster;
beforeAll(async () => { cluster = await startTestCluster({ directory, keep: true }); });
afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true, force: true });
});

function request(kubeconfig: string, path: string): Promise<{ status: number; body: string }> {
  const { clusters: [{ cluster: server }], users: [{ user }] } = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: [{ cluster: Record<string, string> }]; users: [{ user: Record<string, string> }] };
  const decode = (name: string, from: Record<string, string>): Buffer => Buffer.from(from[name] ?? '', 'base64');
  return new Promise((resolve, reject) => {
    https.get(new URL(path, server['server']), { agent: false, ca: decode('certificate-authority-data', server), cert: decode('client-certificate-data', user), key: decode('client-key-data', user) }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}

async function runPod(name: string): Promise<string> {
  await cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: name } }, spec: { terminationGracePeriodSeconds: 3, containers: [{ name: 'main', image: 'test/program:1', readinessProbe: { httpGet: { path: '/health', port: 8080 } } }] } });
  return podIp(name);
}

async function podIp(name: string): Promise<string> {
  return eventually(async () => {
    const pod = await cluster.client.get(PODS, 'default', name);
    return pod?.status?.conditions?.some((entry: { type: string; status: string }) => entry.type === 'Ready' && entry.status === 'True') && pod.status.podIP as string;
  });
}

function processesBelow(text: string): string[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
    } catch {
      // Ended meanwhile.
      return false;
    }
  });
}

describe('startSandbox', () => {
  it('gives a kubeconfig for the administrator alone, a node that is ready and its lease', async () => {
    expect(statSync(cluster.kubeconfigPath).mode & 0o777).toBe(0o600);
    const { status, body } = await request(cluster.kubeconfigPath, '/api/v1/nodes');
    expect(status).toBe(200);
    const [node] = (JSON.parse(body) as { items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[] }).items;
    expect(node?.metadata.name).toBe('mizzen-sandbox');
    expect(node?.status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect((await request(cluster.kubeconfigPath, '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/mizzen-sandbox')).status).toBe(200);
    expect(cluster.apiServerUrl).toBe(`https://127.${cluster.slot}.0.1:6443`);
  });

  it('is found by its containers as kubernetes.default, and knows them by their tokens', async () => {
    const ip = await runPod('asks');
    const { status, subject } = JSON.parse(await eventually(() => get(ip, 8080, '/kubernetes'))) as { status: number; subject: string };
    expect({ status, subject }).toEqual({ status: 201, subject: 'system:serviceaccount:default:default' });
  });

  it('serves logs over the API', async () => {
    const ip = await runPod('logged');
    await eventually(async () => (await request(cluster.kubeconfigPath, '/api/v1/namespaces/default/pods/logged/log')).body === `listening ${ip} 8080\n`);
  });

  it('writes nothing while nothing happens', async () => {
    await runPod('quiet');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const version = async (): Promise<string> => (JSON.parse((await request(cluster.kubeconfigPath, '/api/v1/pods')).body) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    const before = await version();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(Number(await version()) - Number(before)).toBeLessThanOrEqual(1);
  });

  it('takes another slot for another sandbox, and refuses a directory in use', async () => {
    const other = await startTestCluster();
    expect(other.slot).not.toBe(cluster.slot);
    await expect(startTestCluster({ slot: cluster.slot })).rejects.toThrow('SANDBOX_SLOT_TAKEN');
    await other.stop();
    await expect(startTestCluster({ slot: 7 })).rejects.toThrow('SANDBOX_SLOT_INVALID');
  });

  it('stops though a connection has never finished its handshake', async () => {
    const other = await startTestCluster();
    const silent = connect(Number(new URL(other.apiServerUrl).port), new URL(other.apiServerUrl).hostname);
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    const closed = new Promise((resolve) => silent.once('close', resolve));
    await other.stop();
    await closed;
  });

  it('says which folder it cannot use', async () => {
    await expect(startTestCluster({ directory: '/proc/sandbox' })).rejects.toThrow('SANDBOX_DIRECTORY_UNUSABLE: /proc/sandbox');
    await expect(startTestCluster({ directory: '/dev/null' })).rejects.toThrow('SANDBOX_DIRECTORY_UNUSABLE: /dev/null');
  });

  it('keeps containers running while its API server restarts', async () => {
    const ip = await runPod('steady');
    await cluster.restartApiServer();
    expect((await request(cluster.kubeconfigPath, '/version')).body).toContain('+mizzen-sandbox');
    expect(await get(ip, 8080)).toBe(' steady');
    expect((await cluster.client.get(PODS, 'default', 'steady'))?.status.containerStatuses[0].restartCount).toBe(0);
  });

  it('shows a killed container as restarted', async () => {
    expect(cluster.killContainer('default', 'steady', 'main')).toBe(true);
    await eventually(async () => {
      const status = (await cluster.client.get(PODS, 'default', 'steady'))?.status.containerStatuses[0];
      return status.restartCount === 1 && status.lastState.terminated?.exitCode === 137;
    });
    expect(cluster.killContainer('default', 'nobody', 'main')).toBe(false);
  });

  it('leaves no process behind, and goes on with what it kept', async () => {
    expect(processesBelow(directory)).not.toEqual([]);
    await cluster.stop();
    expect(processesBelow(directory)).toEqual([]);
    expect(cluster.errors).toEqual([]);
    cluster = await startTestCluster({ directory, keep: true });
    const ip = await podIp('steady');
    await eventually(async () => (await get(ip, 8080)) === ' steady');
  });

  it('gives containers an environment of their own', async () => {
    const ip = await podIp('steady');
    expect(execFileSync('sh', ['-c', 'echo "$MIZZEN_CONTAINER_VIEW"'], { encoding: 'utf8' })).toBe('\n');
    expect(await get(ip, 8080, '/env?name=KUBERNETES_SERVICE_HOST')).toBe(`127.${cluster.slot}.0.1`);
    expect(await get(ip, 8080, '/env?name=VITEST')).toBe('');
  });
});
