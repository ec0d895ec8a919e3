// The subresources that change a part of a pod: resize and ephemeralcontainers; and what the server counts and documents of itself.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start('127.77.0.32');
  await cluster.post(PODS, { metadata: { name: 'p' }, spec: { containers: [{ name: 'main', image: 'app:v1', resources: { requests: { cpu: '100m' }, limits: { cpu: '200m' } } }] } });
});
afterAll(async () => { await cluster.stop(); });

const PODS = '/api/v1/namespaces/default/pods';

describe('resize', () => {
  it('changes what containers may use, and nothing else', async () => {
    const { body: pod } = await cluster.get(`${PODS}/p/resize`);
    const [main] = pod.spec.containers;
    const changed = await cluster.put(`${PODS}/p/resize`, { ...pod, spec: { ...pod.spec, hostname: 'other', containers: [{ ...main, image: 'other:v2', resources: { requests: { cpu: '300m' }, limits: { cpu: '400m' } } }] } });
    expect(changed).toMatchObject({ code: 200, body: { metadata: { generation: pod.metadata.generation + 1 }, spec: { containers: [{ image: 'app:v1', resources: { requests: { cpu: '300m' }, limits: { cpu: '400m' } } }] } } });
    expect(changed.body.spec.hostname).toBeUndefined();
  });

  it('does not change the quality of service', async () => {
    const { body: pod } = await cluster.get(`${PODS}/p`);
    const refused = await cluster.put(`${PODS}/p/resize`, { ...pod, spec: { ...pod.spec, containers: [{ ...pod.spec.containers[0], resources: {} }] } });
    expect(refused).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
    expect(refused.body.message).toContain('QOS Class may not change');
  });
});

describe('ephemeral containers', () => {
  const add = (containers: readonly object[]) => cluster.patch('merge', `${PODS}/p/ephemeralcontainers`, { spec: { ephemeralContainers: containers } });

  it('are added by their subresource', async () => {
    const added = await add([{ name: 'look', image: 'tools', targetContainerName: 'main' }]);
    expect(added).toMatchObject({ code: 200, body: { spec: { ephemeralContainers: [{ name: 'look', image: 'tools', imagePullPolicy: 'Always', targetContainerName: 'main' }] } } });
    expect((await cluster.get(`${PODS}/p/ephemeralcontainers`)).body.spec.ephemeralContainers).toHaveLength(1);
  });

  it.each([
    ['one that is there is taken away', [], 'existing ephemeral containers may not be removed'],
    ['a name is taken', [{ name: 'look', image: 'tools', targetContainerName: 'main' }, { name: 'main', image: 'x' }], 'Duplicate value: "main"'],
    ['the target is unknown', [{ name: 'look', image: 'tools', targetContainerName: 'main' }, { name: 'b', image: 'x', targetContainerName: 'none' }], 'Not found: "none"'],
  ])('are refused when %s', async (_what, containers, words) => {
    const refused = await add(containers);
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain(words);
  });
});

describe('the server says of itself', () => {
  it('how many requests of which kind it has answered; resources that there are not are not named', async () => {
    await cluster.get(`${PODS}/none`);
    await cluster.get('/apis/strange.example.com/v1/things');
    const { body } = await cluster.get('/metrics');
    expect(String(body)).toMatch(/apiserver_request_total\{[^}]*verb="GET"[^}]*resource="pods"[^}]*code="404"[^}]*\} 1\n/);
    expect(String(body)).toMatch(/\nprocess_resident_memory_bytes [1-9]/);
    expect(String(body)).not.toContain('things');
  });

  it('its kinds in OpenAPI documents in which every reference leads somewhere', async () => {
    const { body: index } = await cluster.get('/openapi/v3');
    for (const { serverRelativeURL } of Object.values((typeof index === 'string' ? JSON.parse(index) : index).paths as Record<string, { serverRelativeURL: string }>)) {
      const { code, body } = await cluster.get(serverRelativeURL);
      expect(code).toBe(200);
      const wanted = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
      expect(wanted.filter((name) => body.components.schemas[name ?? ''] === undefined)).toEqual([]);
    }
    const { body: two } = await cluster.get('/openapi/v2');
    expect([...JSON.stringify(two).matchAll(/"#\/definitions\/([^"]+)"/g)].filter(([, name]) => two.definitions[name ?? ''] === undefined)).toEqual([]);
    expect(JSON.stringify(two)).not.toContain('#/components');
  });
});
