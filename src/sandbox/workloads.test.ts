// The sandbox from outside: objects go in, real processes run and answer on the cluster's addresses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResourceName, StoredObject } from './api-server/internal-client.ts';
import { eventually, get } from './testdata/eventually.ts';
import { PODS, startTestCluster, type TestCluster } from './testdata/test-cluster.ts';

const DEPLOYMENTS: ResourceName = { group: 'apps', resource: 'deployments' };
const SERVICES: ResourceName = { group: '', resource: 'services' };
const CONFIG_MAPS: ResourceName = { group: '', resource: 'configmaps' };
const NS = 'default';

let cluster: TestCluster;
beforeAll(async () => { cluster = await startTestCluster(); });
afterAll(async () => { await cluster.stop(); });

function container(extra: object = {}): object {
  return { name: 'main', image: 'test/program:1', ...extra };
}

async function createPod(name: string, spec: object, metadata: object = {}): Promise<StoredObject> {
  return cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NS, labels: { app: name }, ...metadata }, spec: { terminationGracePeriodSeconds: 5, ...spec } });
}

async function createService(name: string, spec: object): Promise<StoredObject> {
  return cluster.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NS }, spec: { selector: { app: name }, ...spec } });
}

const pod = (name: string): Promise<StoredObject | undefined> => cluster.client.get(PODS, NS, name);

function isReady(object: StoredObject | undefined): boolean {
  return object?.status?.conditions?.some((entry: { type: string; status: string }) => entry.type === 'Ready' && entry.status === 'True') ?? false;
}

async function ready(name: string): Promise<string> {
  const found = await eventually(async () => { const object = await pod(name); return isReady(object) && object; });
  return found.status.podIP;
}

async function exec(name: string, command: string[], containerName?: string): Promise<{ code: number; out: string }> {
  const streams = await cluster.streams.exec(NS, name, { command, stdin: false, tty: false, ...(containerName ? { container: containerName } : {}) });
  let out = '';
  streams.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  streams.stderr.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  const code = await streams.exit;
  return { code, out };
}

async function log(name: string, options: object = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cluster.streams.logs(NS, name, { follow: false, previous: false, timestamps: false, ...options }, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function remove(name: string): Promise<void> {
  await cluster.client.delete(PODS, NS, name);
  await eventually(async () => (await pod(name)) === undefined);
}

describe('a Deployment behind a NodePort', () => {
  const template = (version: string): object => ({
    metadata: { labels: { app: 'web' } },
    spec: { containers: [container({ env: [{ name: 'VERSION', value: version }], readinessProbe: { httpGet: { path: '/health', port: 8080 } } })] },
  });

  it('rolls to a new template without a failed request', async () => {
    await cluster.client.create(DEPLOYMENTS, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: NS }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template('one') } });
    const service = await createService('web', { type: 'NodePort', ports: [{ name: 'http', port: 80, targetPort: 8080 }] });
    const { nodePort } = service.spec.ports[0];
    const host = `127.${cluster.slot}.0.1`;
    await eventually(async () => (await cluster.client.get(DEPLOYMENTS, NS, 'web'))?.status?.availableReplicas === 2);
    await eventually(async () => (await get(host, nodePort)).startsWith('one '));
    const versions: string[] = [];
    const failures: string[] = [];
    let stopped = false;
    const load = Promise.all([1, 2, 3].map(async () => {
      while (!stopped) await get(host, nodePort).then((body) => versions.push(body.split(' ')[0] ?? ''), (error: unknown) => failures.push(String(error)));
    }));
    await cluster.client.patch(DEPLOYMENTS, NS, 'web', { spec: { template: template('two') } });
    const done = await eventually(async () => {
      const deployment = await cluster.client.get(DEPLOYMENTS, NS, 'web');
      const pods = (await cluster.client.list(PODS, { namespace: NS })).filter((entry) => entry.metadata.labels?.['app'] === 'web');
      return deployment?.status.observedGeneration === deployment?.metadata.generation && deployment?.status.updatedReplicas === 2 && pods.length === 2 && deployment;
    });
    stopped = true;
    await load;
    expect(failures).toEqual([]);
    expect(new Set(versions)).toEqual(new Set(['one', 'two']));
    expect(await get(host, nodePort)).toMatch(/^two web-/);
    expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(done.status.conditions).toContainEqual(expect.objectContaining({ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }));
  });

  it('fails its progress deadline when the image is not there, and keeps the old pods', async () => {
    const broken = { spec: { progressDeadlineSeconds: 1, template: { ...template('three'), spec: { containers: [container({ image: 'test/program:3' })] } } } };
    await cluster.client.patch(DEPLOYMENTS, NS, 'web', broken);
    const deployment = await eventually(async () => {
      const found = await cluster.client.get(DEPLOYMENTS, NS, 'web');
      return found?.status.conditions.some((entry: { reason: string }) => entry.reason === 'ProgressDeadlineExceeded') && found;
    });
    expect(deployment.status.availableReplicas).toBe(2);
    const waiting = await eventually(async () => (await cluster.client.list(PODS, { namespace: NS })).map((entry) => entry.status?.containerStatuses?.[0]?.state.waiting?.reason).find((reason) => reason === 'ImagePullBackOff'));
    expect(waiting).toBe('ImagePullBackOff');
    await cluster.client.patch(DEPLOYMENTS, NS, 'web', { spec: { replicas: 0 } });
    await eventually(async () => (await cluster.client.list(PODS, { namespace: NS })).every((entry) => entry.metadata.labels?.['app'] !== 'web'));
    const scaled = await eventually(async () => { const found = await cluster.client.get(DEPLOYMENTS, NS, 'web'); return found?.status.replicas === 0 && found; });
    // A count of none is not written.
    expect(scaled.status.availableReplicas).toBeUndefined();
  });
});

describe('a container', () => {
  it('is started again with back-off when it crashes, and its status tells', async () => {
    await createPod('crash', { containers: [container({ args: ['crash'] })] });
    const crashed = await eventually(async () => {
      const status = (await pod('crash'))?.status?.containerStatuses?.[0];
      return status?.restartCount >= 2 && status.state.waiting?.reason === 'CrashLoopBackOff' && status;
    });
    expect(crashed.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'out of luck' });
    expect(crashed.ready).toBe(false);
    const previous = await log('crash', { previous: true });
    expect(previous).toMatch(/^crash \d+\n$/);
    expect(await log('crash')).not.toBe(previous);
    await remove('crash');
  });

  it('is restarted when its liveness probe fails', async () => {
    const ip = await createPod('sick', { containers: [container({ livenessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1, failureThreshold: 2 } })] }).then(() => ready('sick'));
    await eventually(() => get(ip, 8080, '/sick').then(() => true));
    await eventually(async () => (await pod('sick'))?.status.containerStatuses[0].restartCount === 1);
    await eventually(() => get(ip, 8080, '/health').then(() => true));
    await remove('sick');
  });

  it('waits for a missing ConfigMap key', async () => {
    await createPod('waits', { containers: [container({ env: [{ name: 'SETTING', valueFrom: { configMapKeyRef: { name: 'late', key: 'setting' } } }] })] });
    await eventually(async () => (await pod('waits'))?.status?.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError');
    await cluster.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: NS }, data: { setting: 'here' } });
    const ip = await ready('waits');
    await eventually(async () => (await get(ip, 8080, '/env?name=SETTING')) === 'here');
    await remove('waits');
  });
});

describe('native sidecars', () => {
  const shared = { volumes: [{ name: 'shared', emptyDir: {} }] };
  const mounts = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
  const sidecar = (name: string): object => container({ name, args: ['sidecar', name], restartPolicy: 'Always', ...mounts, startupProbe: { exec: { command: ['sh', '-c', `grep -q "ready ${name}" /shared/order`] }, periodSeconds: 1 } });

  it('start in order before the containers and stop after them in reverse', async () => {
    await createPod('ordered', {
      ...shared,
      initContainers: [container({ name: 'before', args: ['once', 'before'], ...mounts }), sidecar('a'), sidecar('b'), container({ name: 'after', args: ['once', 'after'], ...mounts })],
      containers: [container({ args: ['sidecar', 'main'], ...mounts, lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo preStop >> /shared/order'] } } } })],
    });
    await ready('ordered');
    await eventually(async () => (await exec('ordered', ['cat', '/shared/order'])).out.includes('ready main'));
    expect((await exec('ordered', ['cat', '/shared/order'])).out.split('\n').filter((line) => line !== '')).toEqual(['once before', 'start a', 'ready a', 'start b', 'ready b', 'once after', 'start main', 'ready main']);
    const follow = await cluster.follow('ordered', 'shared', 'order');
    await remove('ordered');
    expect(follow()).toEqual(['preStop', 'stop main', 'stop b', 'stop a']);
  });

  it('do not keep a Job from completing', async () => {
    const jobs = { group: 'batch', resource: 'jobs' };
    await cluster.client.create(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job', namespace: NS }, spec: { completions: 2, parallelism: 2, template: { metadata: { labels: { app: 'job' } }, spec: { restartPolicy: 'Never', ...shared, initContainers: [sidecar('a')], containers: [container({ args: ['once', 'work'], ...mounts })] } } } });
    const job = await eventually(async () => { const found = await cluster.client.get(jobs, NS, 'job'); return found?.status?.completionTime && found; });
    expect(job.status).toMatchObject({ succeeded: 2, conditions: [{ type: 'Complete', status: 'True' }] });
  });

  it('kills what ignores SIGTERM when the grace period is over', async () => {
    await createPod('stubborn', { ...shared, terminationGracePeriodSeconds: 1, containers: [container({ args: ['stubborn'], ...mounts })] });
    await ready('stubborn');
    await eventually(async () => (await exec('stubborn', ['cat', '/shared/order'])).out === 'up\n');
    const begun = Date.now();
    await remove('stubborn');
    expect(Date.now() - begun).toBeGreaterThan(900);
    expect(Date.now() - begun).toBeLessThan(4000);
  });
});

describe('volumes', () => {
  it('show ConfigMaps live, the downward API and a token', async () => {
    await cluster.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: NS }, data: { color: 'red', size: 'small' } });
    await createPod('volumes', {
      containers: [container({ env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }, { name: 'WHERE', value: '$(POD_IP):80' }], volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }, { name: 'info', mountPath: '/etc/info' }] })],
      volumes: [
        { name: 'settings', configMap: { name: 'settings', items: [{ key: 'color', path: 'nested/color' }] } },
        { name: 'info', projected: { sources: [{ downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }, { serviceAccountToken: { audience: 'somebody', expirationSeconds: 600, path: 'token' } }] } },
      ],
    });
    const ip = await ready('volumes');
    await eventually(async () => (await get(ip, 8080, '/file?path=/etc/settings/nested/color')) === 'red');
    expect(await get(ip, 8080, '/list?path=/etc/settings')).toMatch(/\bnested\b/);
    expect(await get(ip, 8080, '/file?path=/etc/info/labels')).toBe('app="volumes"');
    expect(await get(ip, 8080, '/env?name=WHERE')).toBe(`${ip}:80`);
    const token = (await get(ip, 8080, '/file?path=/etc/info/token')).split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toMatchObject({ aud: ['somebody'], sub: `system:serviceaccount:${NS}:default`, 'kubernetes.io': { pod: { name: 'volumes' } } });
    expect(await get(ip, 8080, '/list?path=/var/run/secrets/kubernetes.io/serviceaccount')).toBe('ca.crt namespace token');
    await cluster.client.patch(CONFIG_MAPS, NS, 'settings', { data: { color: 'blue' } });
    await eventually(async () => (await get(ip, 8080, '/file?path=/etc/settings/nested/color')) === 'blue');
    await cluster.client.patch(PODS, NS, 'volumes', { metadata: { labels: { more: 'yes' } } });
    await eventually(async () => (await get(ip, 8080, '/file?path=/etc/info/labels')).includes('more="yes"'));
    expect((await exec('volumes', ['cat', '/etc/settings/nested/color'])).out).toBe('blue');
    await remove('volumes');
  });
});

describe('an emptyDir', () => {
  it('hides the folder of the machine that it is mounted over, for streams too', async () => {
    await createPod('scratch', { containers: [container({ volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }] })], volumes: [{ name: 'scratch', emptyDir: {} }] });
    const ip = await ready('scratch');
    await eventually(async () => (await get(ip, 8080, '/write?path=/tmp/noted&text=hello')) === 'written');
    expect(await get(ip, 8080, '/stream?path=/tmp/noted')).toBe('hello\n');
    expect(await get(ip, 8080, '/list?path=/tmp')).toBe('noted');
    expect(await get(ip, 8080, '/realpath?path=/tmp/noted')).toBe('/tmp/noted /tmp/noted /tmp/noted');
    await remove('scratch');
  });
});

describe('the network of a pod', () => {
  it('finds services by name and reaches a low port of a ClusterIP', async () => {
    await createPod('server', { containers: [container({ env: [{ name: 'VERSION', value: 'served' }] })] });
    await createPod('client', { containers: [container()] });
    const service = await createService('server', { ports: [{ name: 'http', port: 80, targetPort: 8080 }] });
    await createService('headless', { clusterIP: 'None', selector: { app: 'server' }, ports: [{ name: 'http', port: 8080 }] });
    const serverIp = await ready('server');
    const ip = await ready('client');
    const lookup = async (name: string): Promise<string> => (JSON.parse(await get(ip, 8080, `/lookup?name=${name}`)) as { address: string }[]).map((entry) => entry.address).join();
    for (const name of ['server', `server.${NS}`, `server.${NS}.svc.cluster.local`]) await eventually(async () => (await lookup(name)) === service.spec.clusterIP);
    await eventually(async () => (await lookup('headless')) === serverIp);
    await expect(lookup('nobody')).rejects.toThrow('ENOTFOUND');
    await expect(lookup('nobody.default.svc.cluster.local')).rejects.toThrow('ENOTFOUND');
    await eventually(async () => (await get(ip, 8080, '/fetch?url=http://server/')) === 'served server');
    const srv = JSON.parse(await get(ip, 8080, `/srv?name=_http._tcp.headless.${NS}.svc.cluster.local`)) as { port: number }[];
    expect(srv[0]?.port).toBe(8080);
    await remove('server');
    await eventually(async () => await lookup('headless').then(() => false, () => true));
    await remove('client');
  });

  it('has a localhost of its own, shared by the containers of the pod only', async () => {
    await createPod('pair', { containers: [container(), container({ name: 'other', env: [{ name: 'PORT', value: '9090' }, { name: 'BIND', value: '127.0.0.1' }, { name: 'VERSION', value: 'beside' }] })] });
    const ip = await ready('pair');
    await eventually(async () => (await get(ip, 8080, '/fetch?url=http://localhost:9090/')) === 'beside pair');
    await eventually(async () => (await get(ip, 8080, '/fetch?url=http://127.0.0.1:8080/')) === ' pair');
    await expect(get(ip, 9090)).rejects.toThrow('ECONNREFUSED');
    await remove('pair');
  });

  it('leaves the pod IP to the sidecar of a meshed pod', async () => {
    await createPod('meshed', { containers: [container({ env: [{ name: 'VERSION', value: 'app' }] }), container({ name: 'istio-proxy', env: [{ name: 'VERSION', value: 'proxy' }] })] }, { annotations: { 'sidecar.istio.io/status': '{}' } });
    const ip = await ready('meshed');
    await eventually(async () => (await get(ip, 8080)) === 'proxy meshed');
    await eventually(async () => (await get(ip, 8080, '/fetch?url=http://127.0.0.1:8080/')) === 'app meshed');
    await remove('meshed');
  });
});

describe('StatefulSet and DaemonSet', () => {
  it('make pods in order with names in DNS, and replace them', async () => {
    const sets = { group: 'apps', resource: 'statefulsets' };
    const template = (version: string): object => ({ metadata: { labels: { app: 'stateful' } }, spec: { containers: [container({ env: [{ name: 'VERSION', value: version }], readinessProbe: { httpGet: { path: '/health', port: 8080 } } })] } });
    await createService('stateful', { clusterIP: 'None', ports: [{ name: 'http', port: 8080 }] });
    await cluster.client.create(sets, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'stateful', namespace: NS }, spec: { replicas: 2, serviceName: 'stateful', selector: { matchLabels: { app: 'stateful' } }, template: template('one') } });
    const ip = await ready('stateful-1');
    expect(isReady(await pod('stateful-0'))).toBe(true);
    await eventually(async () => (await get(ip, 8080, '/fetch?url=http://stateful-0.stateful:8080/')) === 'one stateful-0');
    await cluster.client.patch(sets, NS, 'stateful', { spec: { template: template('two') } });
    await eventually(async () => { const set = await cluster.client.get(sets, NS, 'stateful'); return set?.status.observedGeneration === set?.metadata.generation && set?.status.updatedReplicas === 2 && set.status.currentRevision === set.status.updateRevision; });
    const renewed = await ready('stateful-0');
    await eventually(async () => (await get(renewed, 8080)) === 'two stateful-0');
    await cluster.client.delete(sets, NS, 'stateful');
    await eventually(async () => (await pod('stateful-0')) === undefined && (await pod('stateful-1')) === undefined);
  });

  it('run one daemon on the node and roll it', async () => {
    const sets = { group: 'apps', resource: 'daemonsets' };
    const spec = (version: string): object => ({ selector: { matchLabels: { app: 'daemon' } }, template: { metadata: { labels: { app: 'daemon' } }, spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, containers: [container({ env: [{ name: 'VERSION', value: version }] })] } } });
    await cluster.client.create(sets, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'daemon', namespace: NS }, spec: spec('one') });
    await eventually(async () => (await cluster.client.get(sets, NS, 'daemon'))?.status?.numberReady === 1);
    await cluster.client.patch(sets, NS, 'daemon', { spec: { template: (spec('two') as { template: object }).template } });
    await eventually(async () => { const set = await cluster.client.get(sets, NS, 'daemon'); return set?.status.updatedNumberScheduled === 1 && set.status.numberAvailable === 1 && set.status.observedGeneration === set.metadata.generation; });
    await cluster.client.delete(sets, NS, 'daemon');
  });
});

describe('what comes with the workloads', () => {
  it('empties a namespace that is deleted, with its pods', async () => {
    const namespaces = { group: '', resource: 'namespaces' };
    await cluster.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'short-lived' } });
    await eventually(async () => await cluster.client.get({ group: '', resource: 'serviceaccounts' }, 'short-lived', 'default'));
    await cluster.client.create(DEPLOYMENTS, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'gone', namespace: 'short-lived' }, spec: { selector: { matchLabels: { app: 'gone' } }, template: { metadata: { labels: { app: 'gone' } }, spec: { containers: [container()] } } } });
    const [running] = await eventually(async () => { const pods = await cluster.client.list(PODS, { namespace: 'short-lived' }); return pods.length === 1 && isReady(pods[0]) && pods; });
    await cluster.client.delete(namespaces, undefined, 'short-lived');
    await eventually(async () => (await cluster.client.get(namespaces, undefined, 'short-lived')) === undefined);
    expect(await cluster.client.list(PODS, { namespace: 'short-lived' })).toEqual([]);
    await expect(get(running?.status.podIP, 8080)).rejects.toThrow('ECONNREFUSED');
  });

  it('reports disruption budgets and autoscalers, and gives load balancers an address', async () => {
    const scalers = { group: 'autoscaling', resource: 'horizontalpodautoscalers' };
    const budgets = { group: 'policy', resource: 'poddisruptionbudgets' };
    await cluster.client.create(DEPLOYMENTS, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'scaled', namespace: NS }, spec: { replicas: 1, selector: { matchLabels: { app: 'scaled' } }, template: { metadata: { labels: { app: 'scaled' } }, spec: { terminationGracePeriodSeconds: 2, containers: [container({ env: [{ name: 'VERSION', value: 'balanced' }] })] } } } });
    await cluster.client.create(scalers, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'scaled', namespace: NS }, spec: { minReplicas: 2, maxReplicas: 4, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'scaled' } } });
    await cluster.client.create(budgets, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'scaled', namespace: NS }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'scaled' } } } });
    await createService('scaled', { type: 'LoadBalancer', ports: [{ name: 'http', port: 80, targetPort: 8080 }] });
    await eventually(async () => (await cluster.client.get(budgets, NS, 'scaled'))?.status?.disruptionsAllowed === 1);
    const scaler = await eventually(async () => { const found = await cluster.client.get(scalers, NS, 'scaled'); return found?.status?.currentReplicas === 2 && found; });
    expect(scaler.status.conditions).toContainEqual(expect.objectContaining({ type: 'ScalingActive', status: 'False' }));
    const service = await eventually(async () => { const found = await cluster.client.get(SERVICES, NS, 'scaled'); return found?.status?.loadBalancer?.ingress && found; });
    expect(service.status.loadBalancer.ingress[0].ip).toBe(cluster.nodeAddress);
    await eventually(async () => (await get(cluster.nodeAddress, service.spec.ports[0].nodePort)).startsWith('balanced '));
    await cluster.client.delete(SERVICES, NS, 'scaled');
    await eventually(() => get(cluster.nodeAddress, service.spec.ports[0].nodePort).then(() => false, () => true));
    const seen = await cluster.client.list({ group: '', resource: 'events' }, { namespace: NS });
    for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started', 'Killing', 'ScalingReplicaSet', 'SuccessfulCreate', 'SuccessfulRescale']) expect(seen.map((event) => event['reason'])).toContain(reason);
  });
});

describe('logs, commands and scheduling', () => {
  it('reads logs with tail, times and follow, and runs commands', async () => {
    await createPod('talks', { containers: [container()] });
    const ip = await ready('talks');
    await eventually(async () => (await log('talks')) === `listening ${ip} 8080\n`);
    await eventually(async () => /^\d{4}-\d\d-\d\dT\S+Z listening /.test(await log('talks', { timestamps: true })));
    expect(await log('talks', { tailLines: 1 })).toBe(`listening ${ip} 8080\n`);
    expect(await log('talks', { tailLines: 0 })).toBe('');
    const following = log('talks', { follow: true });
    expect(await exec('talks', ['sh', '-c', 'echo $HOSTNAME; exit 4'])).toEqual({ code: 4, out: 'talks\n' });
    expect((await exec('talks', ['node', '-p', 'require("os").hostname()'])).out).toBe('talks\n');
    await expect(exec('talks', ['no-such-program'])).rejects.toThrow('executable file not found');
    const stream = await cluster.streams.portForward(NS, 'talks', 8080);
    stream.write('GET /env?name=HOSTNAME HTTP/1.0\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/talks$/);
    await remove('talks');
    expect(await following).toBe(`listening ${ip} 8080\nterminating\n`);
  });

  it('says why a pod cannot be scheduled', async () => {
    await createPod('nowhere', { nodeSelector: { disk: 'fast' }, containers: [container()] });
    const found = await eventually(async () => { const object = await pod('nowhere'); return object?.status?.conditions && object; });
    expect(found.status).toMatchObject({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] });
    await remove('nowhere');
  });
});
