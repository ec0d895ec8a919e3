// What a program in a pod sees and shows, from outside: where its connections come from, its image's commands, its deadline.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredObject } from './api-server/internal-client.ts';
import { eventually, get } from './testdata/eventually.ts';
import { PODS, SERVICES, startTestCluster, testProgram, type TestCluster } from './testdata/test-cluster.ts';

const NS = 'default';

let cluster: TestCluster;
beforeAll(async () => { cluster = await startTestCluster({ images: { 'test/program': { ...testProgram, executables: { agent: [...testProgram.command, 'echo'] } } } }); });
afterAll(async () => { await cluster.stop(); });

async function run(name: string, spec: object = {}, metadata: object = {}): Promise<string> {
  await cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NS, labels: { app: name }, ...metadata }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'test/program:1', readinessProbe: { tcpSocket: { port: 8080 } } }], ...spec } });
  return eventually(async () => {
    const pod = await cluster.client.get(PODS, NS, name);
    return pod?.status?.conditions?.some((entry: { type: string; status: string }) => entry.type === 'Ready' && entry.status === 'True') && pod.status.podIP;
  });
}

async function expose(name: string, spec: object): Promise<StoredObject> {
  const created = await cluster.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NS }, spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }], ...spec } });
  return created;
}

describe('a connection in the sandbox', () => {
  it('comes from its pod, its loopback, or the node, as on a real node', async () => {
    const server = await run('server');
    const client = await run('client');
    const seen = (url: string): Promise<string> => get(client, 8080, `/fetch?url=${encodeURIComponent(url)}`);
    expect(await seen(`http://${server}:8080/from`)).toBe(client);
    await expose('web', {});
    await eventually(async () => (await seen('http://web/from')) === client);
    await run('alone', { containers: [{ name: 'main', image: 'test/program:1', env: [{ name: 'BIND', value: '127.0.0.1' }] }, { name: 'beside', image: 'test/program:1', env: [{ name: 'PORT', value: '9090' }] }] });
    const alone = (await cluster.client.get(PODS, NS, 'alone'))?.status.podIP as string;
    expect(await eventually(() => get(alone, 9090, '/fetch?url=http://localhost:8080/from'))).toBe(alone.replace(`127.${cluster.slot}.`, `127.${cluster.slot + 100}.`));
    const node = `127.${cluster.slot}.0.1`;
    const outer = await expose('outer', { type: 'NodePort' });
    const local = await expose('local', { type: 'NodePort', externalTrafficPolicy: 'Local' });
    expect(await eventually(() => get(node, outer.spec.ports[0].nodePort, '/from'))).toBe(node);
    expect(await seen(`http://${node}:${outer.spec.ports[0].nodePort}/from`)).toBe(node);
    await eventually(() => get(node, local.spec.ports[0].nodePort, '/from'));
    expect(await seen(`http://${node}:${local.spec.ports[0].nodePort}/from`)).toBe(client);
  });
});

describe('the commands of an image', () => {
  it('are found by name in an exec and in a probe', async () => {
    await run('commands', { containers: [{ name: 'main', image: 'test/program:1', readinessProbe: { exec: { command: ['agent', 'ready'] } } }] });
    const streams = await cluster.streams.exec(NS, 'commands', { command: ['agent', 'request', 'GET'], stdin: false, tty: false });
    expect(Buffer.concat(await streams.stdout.toArray()).toString()).toBe('request GET\n');
    expect(await streams.exit).toBe(0);
  });
});

describe('a pod', () => {
  it('fails when it has been active for longer than it may, and is not started again', async () => {
    await run('limited', { activeDeadlineSeconds: 1, restartPolicy: 'Always' });
    const failed = await eventually(async () => {
      const pod = await cluster.client.get(PODS, NS, 'limited');
      return pod?.status.phase === 'Failed' && pod.status.containerStatuses[0].state.terminated && pod;
    });
    expect(failed.status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
    expect(failed.status.containerStatuses[0].restartCount).toBe(0);
  });

  it('has variables for the services of its namespace, unless it wants none', async () => {
    const service = await expose('linked-one', { ports: [{ name: 'http-web', port: 80, targetPort: 8080 }] });
    const [linked, plain] = [await run('linked'), await run('plain', { enableServiceLinks: false })];
    const variable = (ip: string, name: string): Promise<string> => get(ip, 8080, `/env?name=${name}`);
    expect(await variable(linked, 'LINKED_ONE_SERVICE_HOST')).toBe(service.spec.clusterIP);
    expect(await variable(linked, 'LINKED_ONE_SERVICE_PORT_HTTP_WEB')).toBe('80');
    expect(await variable(linked, 'LINKED_ONE_PORT_80_TCP')).toBe(`tcp://${service.spec.clusterIP}:80`);
    expect(await variable(plain, 'LINKED_ONE_SERVICE_HOST')).toBe('');
  });
});
