import { execFileSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DaemonSet } from '../../shared/api/core/workloads.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { isUninstalled } from './uninstall.ts';
import { ownRuntimeFiles } from './host-runtime.ts';
import { mainFile, withoutPlugin, withPlugin, type PluginEntry } from './network-configuration.ts';
import { PluginInstaller, type PluginInstallerOptions } from './plugin-installer.ts';

const PLUGIN = 'v3-1-istio-cni';
const bridge = { cniVersion: '1.0.0', name: 'k8s', plugins: [{ type: 'bridge' }, { type: 'portmap', capabilities: { portMappings: true } }] };

describe('PluginInstaller', () => {
  let directory: string;
  let uninstalled: boolean;
  let company: boolean;
  const started: PluginInstaller[] = [];
  const path = (...names: string[]): string => join(directory, ...names);
  const config = async (name: string): Promise<unknown> => JSON.parse(await readFile(path('net.d', name), 'utf8'));
  const install = async (options: Partial<PluginInstallerOptions> = {}): Promise<PluginInstaller> => {
    const installer = new PluginInstaller({
      plugin: PLUGIN, pluginFile: path('cni.js'), runtime: async () => ({ program: path('node'), loader: path('ld-linux.so.2'), libraries: [path('libc.so.6')] }), binDirectory: path('bin'), configDirectory: path('net.d'),
      socketDirectory: '/var/run/mizzen-cni/x', lock: path('lock'), meshNamespace: 'istio-system', excludeNamespaces: [], chained: true, isUninstalled: async () => uninstalled, hasCompany: async () => company, ...options,
    });
    started.push(installer);
    await installer.start();
    return installer;
  };
  const stop = async (): Promise<void> => {
    for (const installer of started.splice(0)) await installer.stop();
  };
  const entry = (type = PLUGIN) => ({ type, name: type, socketDirectory: '/var/run/mizzen-cni/x', excludeNamespaces: ['istio-system'], capabilities: { 'io.kubernetes.cri.pod-annotations': true } });

  beforeEach(async () => {
    uninstalled = false;
    company = false;
    directory = await mkdtemp(join(tmpdir(), 'cni-install-'));
    await mkdir(path('bin'));
    await mkdir(path('net.d'));
    for (const file of ['cni.js', 'node', 'ld-linux.so.2', 'libc.so.6']) await writeFile(path(file), file);
    await writeFile(path('net.d', '10-main.conflist'), JSON.stringify(bridge));
  });
  afterEach(async () => {
    await stop();
    await rm(directory, { recursive: true });
  });

  it('places the plugin and chains it to the cluster\'s own', async () => {
    const installer = await install();
    expect(installer.problem()).toBeUndefined();
    expect(await config('10-main.conflist')).toEqual({ ...bridge, plugins: [...bridge.plugins, entry()] });
    const launcher = await readFile(path('bin', PLUGIN), 'utf8');
    const folder = /\/(mizzen-runtime\/[0-9a-f]{16})"/.exec(launcher)?.[1] ?? '';
    expect((await readdir(path('bin', folder))).sort()).toEqual(['cni.mjs', 'ld-linux.so.2', 'lib', 'node']);
    expect((await stat(path('bin', PLUGIN))).mode & 0o777).toBe(0o755);
  });

  it('stays on the node when its program ends, and goes with the control plane', async () => {
    await install();
    await stop();
    expect(await config('10-main.conflist')).toMatchObject({ plugins: [{}, {}, { type: PLUGIN }] });
    expect(await readdir(path('bin'))).toEqual(['mizzen-runtime', PLUGIN]);
    uninstalled = true;
    await install();
    await stop();
    expect(await config('10-main.conflist')).toEqual(bridge);
    expect(await readdir(path('bin'))).toEqual([]);
  });

  it('comes back when the cluster\'s own network writes its configuration anew, or the plugin is deleted', async () => {
    await install();
    await writeFile(path('net.d', '10-main.conflist'), JSON.stringify({ ...bridge, name: 'new' }));
    await vi.waitFor(async () => expect(await config('10-main.conflist')).toMatchObject({ name: 'new', plugins: [{}, {}, { type: PLUGIN }] }));
    await rm(path('bin', PLUGIN));
    await writeFile(path('net.d', '99-unrelated.conf'), '{}'); // what the watcher sees
    await vi.waitFor(async () => expect(await readdir(path('bin'))).toContain(PLUGIN));
  });

  it('takes away the entry of a plugin of the mesh that is not there: it would keep every pod of the node from starting and ending', async () => {
    await writeFile(path('net.d', '10-main.conflist'), JSON.stringify({ ...bridge, plugins: [...bridge.plugins, entry('v2-9-istio-cni'), { type: 'v2-6-istio-cni' }] }));
    await install();
    expect(await config('10-main.conflist')).toEqual({ ...bridge, plugins: [...bridge.plugins, { type: 'v2-6-istio-cni' }, entry()] });
  });

  it('is not ready while there is no network to be chained to', async () => {
    await rm(path('net.d', '10-main.conflist'));
    const installer = await install();
    expect(installer.problem()).toContain('there is no CNI configuration');
    await writeFile(path('net.d', '10-main.conflist'), JSON.stringify(bridge));
    await vi.waitFor(() => expect(installer.problem()).toBeUndefined());
  });

  it('turns a configuration of one plugin into a list, and back', async () => {
    await rm(path('net.d', '10-main.conflist'));
    const single = { cniVersion: '0.4.0', name: 'plain', type: 'bridge', mtu: 1400 };
    await writeFile(path('net.d', '10-main.conf'), JSON.stringify(single));
    await install();
    expect(await config('10-main.conflist')).toEqual({ cniVersion: '0.4.0', name: 'plain', plugins: [{ type: 'bridge', mtu: 1400 }, entry()] });
    expect((await readdir(path('net.d'))).sort()).toEqual(['10-main.conf.replaced-by-mizzen', '10-main.conflist']);
    uninstalled = true;
    await stop();
    expect(await readdir(path('net.d'))).toEqual(['10-main.conf']);
    expect(await config('10-main.conf')).toEqual(single);
  });

  it('leaves the cluster\'s own file its mode and its owner', async () => {
    const file = path('net.d', '10-main.conflist');
    const root = process.getuid?.() === 0;
    const kept = async (): Promise<(number | undefined)[]> => {
      const { mode, uid, gid } = await stat(file);
      return [mode & 0o777, ...(root ? [uid, gid] : [])];
    };
    await chmod(file, 0o600);
    if (root) await chown(file, 1234, 2345);
    const before = await kept();
    await install();
    expect(await config('10-main.conflist')).toMatchObject({ plugins: [{}, {}, { type: PLUGIN }] });
    expect(await kept()).toEqual(before);
    uninstalled = true;
    await stop();
    expect(await config('10-main.conflist')).toEqual(bridge);
    expect(await kept()).toEqual(before);
    expect(before[0]).toBe(0o600);
  });

  it('writes through a symbolic link, which stays one', async () => {
    const link = path('net.d', '10-main.conflist');
    await mkdir(path('elsewhere'));
    await rename(link, path('elsewhere', 'network'));
    await chmod(path('elsewhere', 'network'), 0o640);
    await symlink('../elsewhere/network', link);
    await install();
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(JSON.parse(await readFile(path('elsewhere', 'network'), 'utf8'))).toMatchObject({ plugins: [{}, {}, { type: PLUGIN }] });
    uninstalled = true;
    await stop();
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await config('10-main.conflist')).toEqual(bridge);
    expect((await stat(path('elsewhere', 'network'))).mode & 0o777).toBe(0o640);
    expect(await readdir(path('elsewhere'))).toEqual(['network']);
  });

  it('makes a list as secret as the configuration that it stands in for, and a configuration of its own its owner\'s alone', async () => {
    await rm(path('net.d', '10-main.conflist'));
    await writeFile(path('net.d', '10-main.conf'), JSON.stringify({ type: 'bridge' }));
    await chmod(path('net.d', '10-main.conf'), 0o640);
    await install();
    expect((await stat(path('net.d', '10-main.conflist'))).mode & 0o777).toBe(0o640);
    await install({ plugin: 'v3-0-istio-cni', chained: false });
    expect((await stat(path('net.d', 'v3-0-istio-cni.conf'))).mode & 0o777).toBe(0o600);
    uninstalled = true;
    await stop();
    expect(await readdir(path('net.d'))).toEqual(['10-main.conf']);
    expect((await stat(path('net.d', '10-main.conf'))).mode & 0o777).toBe(0o640);
  });

  it('shares the node with another version', async () => {
    await install();
    await install({ plugin: 'v3-0-istio-cni' });
    expect(await config('10-main.conflist')).toEqual({ ...bridge, plugins: [...bridge.plugins, entry(), entry('v3-0-istio-cni')] });
    expect(await readdir(path('bin', 'mizzen-runtime'))).toHaveLength(1);
    uninstalled = true;
    await started.shift()?.stop();
    expect(await config('10-main.conflist')).toEqual({ ...bridge, plugins: [...bridge.plugins, entry('v3-0-istio-cni')] });
    expect(await readdir(path('bin'))).toEqual(['mizzen-runtime', 'v3-0-istio-cni']);
  });

  it('shares its entry with a mesh of the same version, without either undoing the other', async () => {
    await install();
    await install({ meshNamespace: 'other-mesh' });
    const both = await readFile(path('net.d', '10-main.conflist'), 'utf8');
    expect(JSON.parse(both)).toEqual({ ...bridge, plugins: [...bridge.plugins, { ...entry(), excludeNamespaces: ['istio-system', 'other-mesh'] }] });
    const { mtimeMs } = await stat(path('net.d', '10-main.conflist'));
    await writeFile(path('net.d', '99-unrelated.conf'), '{}'); // both look
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect((await stat(path('net.d', '10-main.conflist'))).mtimeMs).toBe(mtimeMs);
  });

  it.each([true, false])('takes its mesh\'s namespace out of an entry that stays for another mesh (chained: %s)', async (chained) => {
    const excluded = async (): Promise<unknown> => {
      const found = (await config(chained ? '10-main.conflist' : `${PLUGIN}.conf`)) as { excludeNamespaces?: string[]; plugins?: { excludeNamespaces?: string[] }[] };
      return found.excludeNamespaces ?? found.plugins?.at(-1)?.excludeNamespaces;
    };
    await install({ chained, excludeNamespaces: ['kube-system'] });
    await install({ chained, excludeNamespaces: ['kube-system'], meshNamespace: 'other-mesh' });
    expect(await excluded()).toEqual(['istio-system', 'kube-system', 'other-mesh']);
    company = true;
    await started.shift()?.stop();
    expect(await excluded()).toEqual(['istio-system', 'kube-system', 'other-mesh']); // it only restarts
    await install({ chained, excludeNamespaces: ['kube-system'] });
    uninstalled = true;
    await started.pop()?.stop();
    await new Promise((resolve) => setTimeout(resolve, 600)); // the other looks
    expect(await excluded()).toEqual(['kube-system', 'other-mesh']);
    expect(await readdir(path('bin'))).toContain(PLUGIN);
    company = false;
    await stop();
    expect(await readdir(path('bin'))).toEqual([]);
    expect(await config('10-main.conflist')).toEqual(bridge);
  });

  it('loses nothing when many agents change the configuration at once', { timeout: 30_000 }, async () => {
    const plugins = Array.from({ length: 6 }, (_, index) => `v${index}-istio-cni`);
    await Promise.all(plugins.map((plugin) => install({ plugin })));
    const types = async (): Promise<(string | undefined)[]> => ((await config('10-main.conflist')) as { plugins: { type: string }[] }).plugins.map(({ type }) => type);
    expect((await types()).sort()).toEqual(['bridge', 'portmap', ...plugins].sort());
    uninstalled = true;
    await Promise.all(started.splice(0, 3).map((installer) => installer.stop()));
    expect((await types()).sort()).toEqual(['bridge', 'portmap', ...plugins.slice(3)].sort());
  });

  it('writes a configuration of its own for Multus', async () => {
    await install({ chained: false });
    expect(await config(`${PLUGIN}.conf`)).toMatchObject({ cniVersion: '1.0.0', name: PLUGIN, type: PLUGIN });
    expect(await config('10-main.conflist')).toEqual(bridge);
    uninstalled = true;
    await stop();
    expect(await readdir(path('net.d'))).toEqual(['10-main.conflist']);
  });

  it.runIf(process.platform === 'linux')('gives the node a run time that needs nothing of it but a shell', { timeout: 30_000 }, async () => {
    await writeFile(path('cni.js'), 'process.stdout.write(JSON.stringify({ versions: process.versions.node, options: process.env.NODE_OPTIONS ?? null }));');
    await install({ runtime: ownRuntimeFiles });
    const output = execFileSync(path('bin', PLUGIN), { env: { NODE_OPTIONS: '--no-such-option' }, encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({ versions: process.versions.node, options: null });
    const folder = /(mizzen-runtime\/[0-9a-f]{16})"/.exec(await readFile(path('bin', PLUGIN), 'utf8'))?.[1] ?? '';
    const loader = (await readdir(path('bin', folder))).find((name) => name.startsWith('ld-')) ?? '';
    const libraries = execFileSync(path('bin', folder, loader), ['--inhibit-cache', '--library-path', path('bin', folder, 'lib'), '--list', path('bin', folder, 'node')], { encoding: 'utf8' });
    const found = [...libraries.matchAll(/=> (\S+)/g)].map((match) => match[1] ?? '');
    expect(found.length).toBeGreaterThan(3);
    expect(found.filter((file) => !file.startsWith(directory))).toEqual([]);
  });
});

describe('isUninstalled', () => {
  const daemonSet = (args: string[], metadata = {}): DaemonSet => ({ metadata, spec: { template: { spec: { containers: [{ name: 'install-cni', args }] } } } });
  const refusal = (status: number): KubeError => new KubeError('GET', status, 'Refused', 'refused');
  const ask = async (...answers: (DaemonSet | undefined | Error)[]): Promise<boolean> => {
    const client = { find: async () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return answer;
    } };
    return isUninstalled(client as unknown as KubeClient, 'istio-system', 'istio-cni-node', 1);
  };

  it('is so when the DaemonSet is gone, going, or no longer installs', async () => {
    expect(await ask(undefined)).toBe(true);
    expect(await ask(daemonSet(['--install-plugin=true'], { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toBe(true);
    expect(await ask(daemonSet(['--install-plugin=false']))).toBe(true);
    expect(await ask(daemonSet(['--install-plugin=true']))).toBe(false);
  });

  it('is so when the permissions are gone, not when the server does not know the pod, is away or only starting', async () => {
    expect(await ask(refusal(403))).toBe(true);
    // A pod deleted by force has a dead token, and its mesh lives.
    expect(await ask(refusal(401))).toBe(false);
    expect(await ask(refusal(401), undefined)).toBe(true);
    expect(await ask(new KubeError('GET', 403, 'Forbidden', 'User "system:anonymous" cannot get resource'))).toBe(false);
    expect(await ask(refusal(403), daemonSet(['--install-plugin=true']))).toBe(false);
    expect(await ask(refusal(503))).toBe(false);
    expect(await ask(new Error('late'), undefined)).toBe(true);
    expect(await ask(new Error('connection refused'))).toBe(false);
  });
});

describe('the node\'s CNI configuration', () => {
  const own = (type: string): boolean => type.endsWith('-istio-cni');
  const plugin: PluginEntry = { type: PLUGIN, name: PLUGIN, socketDirectory: '/s', excludeNamespaces: [], capabilities: {} };

  it('has as its main file the first that a runtime takes', () => {
    expect(mainFile(new Map([['20-b.conflist', '{"plugins":[{"type":"bridge"}]}'], ['10-a.conf', '{"type":"bridge"}']]), own)).toBe('10-a.conf');
    expect(mainFile(new Map([['05-x.conf', `{"type":"${PLUGIN}"}`], ['08-y.conf', 'half a fi'], ['09-z.conf.bak', '{"type":"bridge"}'], ['10-a.conf', '{"type":"bridge"}']]), own)).toBe('10-a.conf');
    expect(mainFile(new Map([['10-a.conf', '[]']]), own)).toBeUndefined();
  });

  it('keeps what it does not know, and is left alone when it is right', () => {
    const text = JSON.stringify({ cniVersion: '1.0.0', name: 'n', disableCheck: true, plugins: [{ type: 'bridge', ipam: { x: [1] } }] });
    const chained = withPlugin(text, plugin);
    expect(JSON.parse(chained ?? '')).toEqual({ cniVersion: '1.0.0', name: 'n', disableCheck: true, plugins: [{ type: 'bridge', ipam: { x: [1] } }, plugin] });
    expect(withPlugin(chained ?? '', plugin)).toBeUndefined();
    expect(withPlugin(chained ?? '', { ...plugin, socketDirectory: '/t' })).toContain('"/t"');
    expect(JSON.parse(withoutPlugin(chained ?? '', PLUGIN) ?? '')).toEqual(JSON.parse(text));
    expect(withoutPlugin(text, PLUGIN)).toBeUndefined();
  });
});
