// Applying one object against an API server (the sandbox's in ring 1, a real one in ring 2): what is written, what is made anew, and what is never deleted.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../../../test/support/test-api-server.ts';
import { DeploymentResource } from '../../shared/api/core/workloads.ts';
import type { KubeClient } from '../../shared/kube/index.ts';
import { differingPaths } from '../manifest/plan.ts';
import { applyObject } from './apply-objects.ts';

let server: TestApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startTestApiServer(83);
  client = server.admin;
});
afterAll(async () => {
  await client.delete(DeploymentResource, 'web', 'default');
  await server.stop();
});

function deployment(replicas: number, app = 'web') {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'web', image: 'web' }] } } },
  };
}

const uid = async (): Promise<string | undefined> => (await client.find(DeploymentResource, 'web', 'default'))?.metadata?.uid;

describe('applyObject', () => {
  it('writes once, repairs what differs, and keeps the object when its new form is refused', async () => {
    expect(await applyObject(client, deployment(1), differingPaths)).toBe(true);
    expect(await applyObject(client, deployment(1), differingPaths)).toBe(false);
    const before = await uid();
    await expect(applyObject(client, deployment(-1), differingPaths)).rejects.toThrow('spec.replicas: Invalid value: -1');
    expect(await uid()).toBe(before);
  });

  it('makes an object anew only for fields that cannot change', async () => {
    const before = await uid();
    expect(await applyObject(client, deployment(1, 'other'), differingPaths)).toBe(true);
    expect(await uid()).not.toBe(before);
  });

  it('keeps the object when an immutable field and another mistake come together', async () => {
    const before = await uid();
    await expect(applyObject(client, deployment(-1, 'third'), differingPaths)).rejects.toThrow();
    expect(await uid()).toBe(before);
  });
});
