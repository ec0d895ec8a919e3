// A node's own pid, mount, network, uts and ipc namespaces, held open by the pause program as their first process. Whatever the node mounts, routes or names stays inside.
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, run, shellQuote, startDetached, waitUntil, type CommandOptions } from './command.ts';
import { createControlGroup, inControlGroup, processesIn } from './control-groups.ts';
import { textOf } from '../toolchain/exclusive.ts';
import type { NodeLayout } from './layout.ts';

const START_MILLISECONDS = 30_000;

/** Kernel settings that the kubelet wants for the whole machine. Files with these values lie over the real ones in the node's /proc, so that the machine's stay as they are. */
const SETTINGS_SHOWN_TO_KUBELET: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1', 'vm/panic_on_oom': '0', 'kernel/panic': '10', 'kernel/panic_on_oops': '1', 'kernel/keys/root_maxkeys': '1000000', 'kernel/keys/root_maxbytes': '25000000',
};

/** Folders of the node in which nothing of the machine's shows: those that pods install into, and those that tests write from outside. */
const PRIVATE_FOLDERS = ['/etc/cni/net.d', '/opt/cni/bin', '/etc/containerd/certs.d'] as const;

/** A folder of the node that is not the machine's. */
export type PrivateFolder = (typeof PRIVATE_FOLDERS)[number];

/** Where a private folder of the node lies on the machine. */
export function privateFolder(node: NodeLayout, path: PrivateFolder): string {
  return join(node.folder, 'private', path);
}

/** The cgroup of a node's own processes; pods have theirs beside it. */
export function systemControlGroup(node: NodeLayout): string {
  return `${node.controlGroup}/system`;
}

/** The namespaces of one node. */
export class NodeNamespaces {
  readonly node: NodeLayout;
  /** The first process, by its number on the host. */
  readonly pid: number;

  constructor(node: NodeLayout, pid: number) {
    this.node = node;
    this.pid = pid;
  }

  /** Makes the namespaces of a node; without overlays, the node's own views of folders are copies. */
  static async create(node: NodeLayout, pauseProgram: string, overlays: boolean): Promise<NodeNamespaces> {
    mkdirSync(join(node.folder, 'log'), { recursive: true });
    createControlGroup(systemControlGroup(node));
    const log = openSync(join(node.folder, 'log/namespaces.log'), 'a');
    startDetached(inControlGroup(systemControlGroup(node), ['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--propagation', 'slave', pauseProgram]), log);
    closeSync(log);
    const namespaces = await waitUntil(() => NodeNamespaces.find(node), START_MILLISECONDS, () => `the namespaces of ${node.name} did not come up: ${textOf(join(node.folder, 'log/namespaces.log')) ?? ''}`);
    await namespaces.#furnish(overlays);
    return namespaces;
  }

  /** Finds the namespaces of a node that runs; undefined when it does not. */
  static find(node: NodeLayout): NodeNamespaces | undefined {
    const first = processesIn(systemControlGroup(node)).find((pid) => /^NSpid:.*\t1$/m.test(textOf(`/proc/${pid}/status`) ?? '') && textOf(`/proc/${pid}/comm`) === 'pause\n');
    return first === undefined ? undefined : new NodeNamespaces(node, first);
  }

  /** A command that runs as one of the node's own processes, for as long as the node lives. */
  enter(command: readonly string[]): string[] {
    return inControlGroup(systemControlGroup(this.node), this.#enterOnly(command));
  }

  /** Runs a program in the namespaces; throws unless it succeeds. */
  run(command: readonly string[], options?: CommandOptions): Promise<string> {
    return run(this.enter(command), options, `${command.join(' ')} (on ${this.node.name})`);
  }

  /** Runs a program in the namespaces, whatever its status. */
  attempt(command: readonly string[], options?: CommandOptions): ReturnType<typeof attempt> {
    return attempt(this.enter(command), options);
  }

  /** Runs several commands after one another. */
  async runAll(commands: readonly (readonly string[])[]): Promise<void> {
    await this.run(['sh', '-ec', commands.map((command) => command.map(shellQuote).join(' ')).join('\n')]);
  }

  #enterOnly(command: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--wd=/', ...command];
  }

  async #furnish(overlays: boolean): Promise<void> {
    const { node } = this;
    const settings = join(node.folder, 'settings');
    mkdirSync(settings, { recursive: true });
    const shown = Object.entries(SETTINGS_SHOWN_TO_KUBELET).map(([name, value]) => {
      const file = join(settings, name.replaceAll('/', '.'));
      writeFileSync(file, `${value}\n`);
      return ['mount', '--bind', file, `/proc/sys/${name}`];
    });
    const folders = PRIVATE_FOLDERS.flatMap((path) => {
      mkdirSync(privateFolder(node, path), { recursive: true });
      return [['mkdir', '-p', path], ['mount', '--bind', privateFolder(node, path), path]];
    });
    await this.runAll([
      ['mount', '--make-rshared', '/'],
      ['mount', '-t', 'proc', 'proc', '/proc'],
      // A private /run keeps sockets, locks and network namespaces apart; a private view of /etc and /opt takes what pods install on the node.
      ['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'],
      ['mkdir', '-p', '/run/netns', '/run/lock'],
      ...overlays ? [overlay(node, 'etc'), overlay(node, 'opt')] : copies(node),
      ...folders,
      ...shown,
      ['sh', '-c', `echo ${node.name} > /proc/sys/kernel/hostname`],
    ]);
  }
}


function overlay(node: NodeLayout, name: string): string[] {
  const part = (kind: string) => join(node.folder, name, kind);
  for (const kind of ['upper', 'work']) mkdirSync(part(kind), { recursive: true });
  return ['mount', '-t', 'overlay', '-o', `lowerdir=/${name},upperdir=${part('upper')},workdir=${part('work')}`, 'overlay', `/${name}`];
}

/** /etc as a copy; /opt, which may be large and is needed for nothing, as an empty folder. */
function copies(node: NodeLayout): string[][] {
  const folder = (name: string) => join(node.folder, name);
  for (const name of ['etc', 'opt']) mkdirSync(folder(name), { recursive: true });
  return [['cp', '-a', '/etc/.', folder('etc')], ...['etc', 'opt'].map((name) => ['mount', '--bind', folder(name), `/${name}`])];
}
