// Two network namespaces joined by a cable, a pod's and a client's, in which capture is tried with real packets. Needs root on Linux.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const PEER = fileURLToPath(new URL('./peer.mjs', import.meta.url));

/** Why namespaces cannot be made here; undefined when they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  try {
    execFileSync('unshare', ['--net', '--', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
  } catch {
    return 'network namespaces cannot be made here, or iproute2 is not installed';
  }
  return undefined;
}

/** Whether a tool runs in a fresh namespace. */
export function works(program: string): boolean {
  try {
    execFileSync('unshare', ['--net', '--', program, '-t', 'nat', '-S'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether the transparent listener of the tests can be made. */
export function hasForeignFunctions(): boolean {
  try {
    createRequire(import.meta.url)('koffi');
    return true;
  } catch {
    return false;
  }
}

/** A namespace kept alive by a sleeping process. */
export class Namespace {
  readonly #keeper: ChildProcess;
  readonly #peers: ChildProcess[] = [];

  constructor() {
    this.#keeper = spawn('unshare', ['--net', '--', 'sleep', '600'], { stdio: 'ignore' });
  }

  /** Path by which others enter it. */
  get path(): string {
    return `/proc/${this.#keeper.pid}/ns/net`;
  }

  get pid(): string {
    return String(this.#keeper.pid);
  }

  /** Waits until the keeper has left our namespace. */
  async ready(): Promise<void> {
    const { readlinkSync } = await import('node:fs');
    const own = readlinkSync('/proc/self/ns/net');
    for (let tries = 0; tries < 200 && readlinkSync(this.path) === own; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    this.run('ip', 'link', 'set', 'lo', 'up');
    this.run('sysctl', '-q', '-w', 'net.ipv4.ip_unprivileged_port_start=0'); // as container runtimes set it in pods
  }

  run(program: string, ...args: readonly string[]): string {
    return execFileSync('nsenter', [`--net=${this.path}`, '--', program, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Starts listeners, e.g. `tcp:15001`. */
  async listen(...listeners: readonly string[]): Promise<void> {
    const peer = spawn('nsenter', [`--net=${this.path}`, '--', process.execPath, PEER, 'listen', ...listeners], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#peers.push(peer);
    await Promise.race([once(peer.stdout, 'data'), once(peer, 'exit').then(() => { throw new Error('the listeners did not start'); })]);
  }

  /** Asks a listener as a user; the answer, or the error's code. */
  ask(uid: number, kind: 'tcp' | 'udp', host: string, port: number): string {
    return this.run(process.execPath, PEER, 'ask', String(uid), kind, host, String(port)).trim();
  }

  async close(): Promise<void> {
    for (const child of [...this.#peers, this.#keeper]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}

/** A pod's namespace (10.77.0.2, fd77::2) and a client's (10.77.0.1, fd77::1), which is the pod's gateway. */
export async function connectedNamespaces(): Promise<{ pod: Namespace; client: Namespace; close(): Promise<void> }> {
  const [pod, client] = [new Namespace(), new Namespace()];
  await Promise.all([pod.ready(), client.ready()]);
  client.run('ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod.pid);
  for (const [namespace, device, host] of [[client, 'cable', '1'], [pod, 'eth0', '2']] as const) {
    namespace.run('ip', 'address', 'add', `10.77.0.${host}/24`, 'dev', device);
    namespace.run('ip', 'address', 'add', `fd77::${host}/64`, 'dev', device, 'nodad');
    namespace.run('ip', 'link', 'set', device, 'up');
  }
  pod.run('ip', 'route', 'add', 'default', 'via', '10.77.0.1');
  pod.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd77::1');
  return { pod, client, close: async () => { await Promise.all([pod.close(), client.close()]); } };
}
