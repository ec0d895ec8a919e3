import { expect, it } from 'vitest';
import { EngineVisit } from './engine-visit.ts';

interface FakeContainer { Id: string; ImageID: string; Labels: Record<string, string>; NetworkSettings: { Networks: Record<string, { NetworkID: string }> } }

/** An engine's images by reference, containers and networks. */
class FakeEngine {
  readonly images = new Map<string, string>();
  containers: FakeContainer[] = [];
  networks: string[] = ['bridge'];

  ask = (method: string, path: string): Promise<{ status: number; body: string }> => Promise.resolve(this.#answer(method, path));

  add(id: string, image: string, network: string, labels: Record<string, string> = { 'org.testcontainers': 'true' }): void {
    this.containers.push({ Id: id, ImageID: `sha256:${image}`, Labels: labels, NetworkSettings: { Networks: { [network]: { NetworkID: network } } } });
  }

  #answer(method: string, path: string): { status: number; body: string } {
    const ok = (value: unknown = '') => ({ status: 200, body: JSON.stringify(value) });
    const [, kind = '', name = ''] = /^\/(\w+)\/?([^?]*)/.exec(path) ?? [];
    if (method === 'GET' && kind === 'containers') return ok(this.containers);
    if (method === 'GET' && kind === 'networks') return ok(name === '' ? this.networks.map((Id) => ({ Id })) : { Id: name });
    if (method === 'GET') {
      const id = this.images.get(name.replace(/\/json$/, ''));
      return id === undefined ? { status: 404, body: '' } : ok({ Id: `sha256:${id}` });
    }
    if (method === 'POST') {
      const query = new URL(path, 'http://engine').searchParams;
      this.images.set(`${query.get('repo') ?? ''}:${query.get('tag') ?? ''}`, name.replace(/\/tag$/, ''));
      return ok();
    }
    if (kind === 'images' && this.containers.some(({ ImageID }) => ImageID === `sha256:${this.images.get(name) ?? ''}`)) return { status: 409, body: 'image is in use' };
    if (kind === 'images') this.images.delete(name);
    else if (kind === 'containers') this.containers = this.containers.filter(({ Id }) => Id !== name);
    else this.networks = this.networks.filter((network) => network !== name);
    return ok();
  }
}

it('removes what came during the visit and nothing else', async () => {
  const engine = new FakeEngine();
  engine.images.set('docker.io/theirs:v1', 'theirs').set('docker.io/shared:v1', 'old').set('docker.io/pulled:v1', 'pulled');
  engine.add('before', 'old', 'bridge');
  const visit = new EngineVisit(engine.ask);
  for (const reference of ['docker.io/new:v1', 'docker.io/shared:v1', 'docker.io/pulled:v1']) await visit.remember(reference);
  engine.images.set('docker.io/new:v1', 'new').set('docker.io/shared:v1', 'newer');
  engine.networks.push('ours', 'other');
  engine.add('left', 'new', 'ours');
  engine.add('on-bridge', 'newer', 'bridge');
  engine.add('theirs', 'theirs', 'other');
  engine.add('by-hand', 'pulled', 'other', {});
  await visit.end();
  expect(engine.containers.map(({ Id }) => Id)).toEqual(['before', 'theirs', 'by-hand']);
  expect(engine.networks).toEqual(['bridge', 'other']);
  expect(Object.fromEntries(engine.images)).toEqual({ 'docker.io/theirs:v1': 'theirs', 'docker.io/shared:v1': 'old', 'docker.io/pulled:v1': 'pulled' });
});

it('says what it could not remove', async () => {
  const engine = new FakeEngine();
  const visit = new EngineVisit(engine.ask);
  await visit.remember('docker.io/new:v1');
  engine.images.set('docker.io/new:v1', 'new');
  // Started by hand from the run's image meanwhile: not ours to stop.
  engine.add('by-hand', 'new', 'bridge', {});
  await expect(visit.end()).rejects.toThrow('DELETE /images/docker.io/new:v1');
});
