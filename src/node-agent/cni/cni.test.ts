import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunProgram } from '../firewall/index.ts';
import { PluginInstaller } from '../install/index.ts';
import { runCniPlugin } from './index.ts';

/** A packet filter that remembers what it was given. */
function packetFilter(): { run: RunProgram; restored: string[] } {
  const restored: string[] = [];
  return { restored, run: async (program, _args, input = '') => {
    if (program.endsWith('-restore')) restored.push(input);
    return program.endsWith('-save') ? restored.join('') : '';
  } };
}

const annotated = (annotations: Record<string, string>) => JSON.stringify({ cniVersion: '1.0.0', prevResult: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24' }] }, runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations } });

describe('runCniPlugin', () => {
  it('captures a pod with a sidecar, once, and hands the previous result on', async () => {
    const filter = packetFilter();
    const add = () => runCniPlugin({ CNI_COMMAND: 'ADD', CNI_NETNS: '/run/netns/x' }, annotated({ 'sidecar.istio.io/status': '{}' }), () => filter.run);
    expect(await add()).toEqual({ status: 0, output: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24' }] } });
    expect(await add()).toMatchObject({ status: 0 });
    expect(filter.restored).toHaveLength(1);
    expect(filter.restored[0]).toContain('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001');
  });

  it('leaves other pods alone, and answers the other commands', async () => {
    const filter = packetFilter();
    expect(await runCniPlugin({ CNI_COMMAND: 'ADD', CNI_NETNS: '/x' }, annotated({}), () => filter.run)).toMatchObject({ status: 0 });
    expect(filter.restored).toEqual([]);
    expect(await runCniPlugin({ CNI_COMMAND: 'VERSION' }, '')).toMatchObject({ status: 0, output: { supportedVersions: expect.arrayContaining(['1.0.0']) } });
    expect(await runCniPlugin({ CNI_COMMAND: 'DEL' }, annotated({}))).toEqual({ status: 0, output: {} });
  });

  it('fails the pod rather than let it run uncaptured', async () => {
    const broken: RunProgram = async () => { throw new Error('iptables: permission denied'); };
    expect(await runCniPlugin({ CNI_COMMAND: 'ADD', CNI_NETNS: '/x' }, annotated({ 'sidecar.istio.io/status': '{}' }), () => broken)).toMatchObject({ status: 1, output: { code: 101, msg: 'iptables: permission denied' } });
    expect(await runCniPlugin({ CNI_COMMAND: 'ADD' }, '{')).toMatchObject({ status: 1, output: { code: 6 } });
  });
});

describe('PluginInstaller', () => {
  it('chains the plugin to the cluster\'s own, repairs it, and takes it away again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cni-'));
    const [bin, config] = [join(directory, 'bin'), join(directory, 'net.d')];
    const { mkdir } = await import('node:fs/promises');
    await mkdir(bin);
    await mkdir(config);
    await writeFile(join(directory, 'cni.js'), 'plugin');
    const main = { cniVersion: '1.0.0', name: 'k8s', plugins: [{ type: 'bridge' }] };
    await writeFile(join(config, '10-main.conflist'), JSON.stringify(main));
    const installer = new PluginInstaller({ pluginFile: join(directory, 'cni.js'), binDirectory: bin, configDirectory: config, chained: true });
    await installer.start();
    expect(installer.problem()).toBeUndefined();
    expect(JSON.parse(await readFile(join(config, '10-main.conflist'), 'utf8'))).toMatchObject({ plugins: [{ type: 'bridge' }, { type: 'istio-cni', capabilities: { 'io.kubernetes.cri.pod-annotations': true } }] });
    expect(await readFile(join(bin, 'istio-cni'), 'utf8')).toBe('plugin');
    await installer.stop();
    expect(JSON.parse(await readFile(join(config, '10-main.conflist'), 'utf8'))).toEqual(main);
    expect(await readdir(bin)).toEqual([]);
  });
});
