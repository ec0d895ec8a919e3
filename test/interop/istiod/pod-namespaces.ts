// Pods as network namespaces on one bridge, each with the capture rules that the node agent renders, so that Istio's own listeners get the connections that they are made for. Needs root.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyCapture, programRunner } from '../../../src/node-agent/firewall/index.ts';
import { defaultCaptureOptions } from '../../../src/node-agent/capture/index.ts';

/** The first three numbers of all addresses here. */
const NETWORK = '10.93.7';
/** The machine's own address on the bridge, where the control plane listens. */
export const HOST_ADDRESS = `${NETWORK}.1`;

/** Who a process in a pod is. */
type User = 'application' | 'proxy';
const USERS: Record<User, number> = { application: 2000, proxy: 1337 };

/** The bridge with its pods. */
export class PodNamespaces {
  readonly #bridge = `mzi${process.pid}`.slice(0, 15);
  readonly #pods = new Map<string, PodNamespace>();
  readonly #hosts: string;

  /** `hosts`: names of the machine that all pods know. */
  constructor(hosts: readonly string[]) {
    this.#hosts = `127.0.0.1 localhost\n${HOST_ADDRESS} ${hosts.join(' ')}\n`;
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('addr', 'add', `${HOST_ADDRESS}/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
  }

  /** Makes a pod with address `last`; a captured one redirects its traffic to the proxy. */
  async add(name: string, last: number, captured: boolean): Promise<PodNamespace> {
    const pod = new PodNamespace(`mzi${process.pid}-${name}`, `${NETWORK}.${last}`, this.#bridge, `mzi${process.pid % 10_000}v${last}`, this.#hosts);
    this.#pods.set(name, pod);
    if (captured) await applyCapture({ ...defaultCaptureOptions, redirectDns: true }, { families: ['IPv4'], run: programRunner(`/run/netns/${pod.namespace}`) });
    return pod;
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) await pod.close();
    spawnSync('ip', ['link', 'del', this.#bridge]);
  }
}

/** One pod's network namespace and what runs in it. */
export class PodNamespace {
  readonly namespace: string;
  readonly address: string;
  readonly #children: ChildProcess[] = [];

  constructor(namespace: string, address: string, bridge: string, cable: string, hosts: string) {
    this.namespace = namespace;
    this.address = address;
    // What lies here stands in /etc of the namespace's programs.
    mkdirSync(`/etc/netns/${namespace}`, { recursive: true });
    writeFileSync(`/etc/netns/${namespace}/hosts`, hosts);
    writeFileSync(`/etc/netns/${namespace}/resolv.conf`, `nameserver ${HOST_ADDRESS}\n`);
    ip('netns', 'add', namespace);
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('link', 'set', cable, 'master', bridge, 'up');
    for (const command of [`addr add ${address}/24 dev eth0`, 'link set lo up', 'link set eth0 up', `route add default via ${HOST_ADDRESS}`]) ip('-n', namespace, ...command.split(' '));
  }

  /** Starts a program, its output in a file. */
  start(user: User, command: readonly string[], environment: Readonly<Record<string, string>>, logPath: string): ChildProcess {
    const log = openSync(logPath, 'a', 0o666);
    const child = spawn('ip', ['netns', 'exec', this.namespace, ...asUser(user), ...command], { env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#children.push(child);
    return child;
  }

  /** Runs the text of a Node program to its end; gives what it printed. */
  async script(text: string, ...parameters: readonly string[]): Promise<string> {
    const child = spawn('ip', ['netns', 'exec', this.namespace, ...asUser('application'), process.execPath, '--input-type=module', '-e', text, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 40_000 });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => (output += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (status !== 0) throw new Error(`a program in ${this.namespace} ended with ${status}: ${errors}`);
    return output;
  }

  /** Ends one program as its container would, waiting for it. */
  async end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    for (const child of this.#children) await this.end(child, 'SIGKILL');
    spawnSync('ip', ['netns', 'del', this.namespace]);
    rmSync(join('/etc/netns', this.namespace), { recursive: true, force: true });
  }
}

function asUser(user: User): readonly string[] {
  return ['setpriv', `--reuid=${USERS[user]}`, `--regid=${USERS[user]}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
