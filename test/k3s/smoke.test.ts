// The story of `npm start` on k3s: the operator, a mesh, Bookinfo and httpbin in a throw-away cluster that testcontainers starts, checked with live traffic.
// The check asks pods by their addresses, which the host of the engine routes.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { K3sContainer, type StartedK3sContainer } from '@testcontainers/k3s';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_FOLDER_VARIABLE, K3S_IMAGE_VARIABLE } from './engine-under-test.ts';

const root = join(import.meta.dirname, '../..');
const image = process.env[K3S_IMAGE_VARIABLE] ?? '';

// Without the image there is nothing to run; the runner has said why.
describe.skipIf(image === '')('on k3s', () => {
  let folder: string;
  let k3s: StartedK3sContainer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mizzen-k3s-'));
    const images = process.env[IMAGE_FOLDER_VARIABLE] ?? '';
    const archives = readdirSync(images).filter((name) => name.endsWith('.tar'));
    k3s = await new K3sContainer(image).withCommand(['server', '--disable=traefik', '--disable=metrics-server']).withCopyFilesToContainer(archives.map((name) => ({ source: join(images, name), target: `/images/${name}` }))).start();
    for (const name of archives) {
      const { exitCode, output } = await k3s.exec(['ctr', '--namespace', 'k8s.io', 'images', 'import', `/images/${name}`]);
      if (exitCode !== 0) throw new Error(`k3s did not take ${name}: ${output}`);
    }
    writeFileSync(join(folder, 'kubeconfig'), k3s.getKubeConfig(), { mode: 0o600 });
  });
  afterAll(async () => {
    await k3s?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('the whole smoke holds', async () => {
    const child = spawn(process.execPath, [join(root, 'dist/mizzen.js'), 'up', '--kubeconfig', join(folder, 'kubeconfig'), '--smoke', '--node-address', k3s.getHost()], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, output: status === 0 ? '' : output.slice(-4000) }).toEqual({ status: 0, output: '' });
  }, 900_000);
});
