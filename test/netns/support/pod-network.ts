// A pod and the world around it in two network namespaces joined by a cable, with the capture rules that the node agent renders. Needs root; says why when it cannot run.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { applyCapture, programRunner } from '../../../src/node-agent/firewall/index.ts';
import { defaultCaptureOptions, type CaptureOptions } from '../../../src/node-agent/capture/index.ts';

/** Addresses on both ends of the cable. */
export const POD_ADDRESS = { IPv4: '10.9.7.2', IPv6: 'fd00:7::2' } as const;
export const WORLD_ADDRESS = { IPv4: '10.9.7.1', IPv6: 'fd00:7::1' } as const;

type Family = 'IPv4' | 'IPv6';

/** Who a process is: the machine, an application, or the proxy as its mode wants it. */
export type User = 'root' | 'application' | 'proxy' | 'transparent-proxy';

const USERS: Record<User, readonly string[]> = {
  root: [],
  application: ['--reuid=2000', '--regid=2000', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'],
  proxy: ['--reuid=1337', '--regid=1337', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'],
  'transparent-proxy': ['--regid=1337', '--clear-groups', '--bounding-set=-all,+net_admin'],
};

/** Why these tests cannot run here; empty when they can. */
export function missingForNamespaces(): string {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['ip', 'iptables', 'ip6tables']) if (spawnSync(program, ['-V']).error) return `${program} is not installed`;
  if (spawnSync('setpriv', ['--version']).error) return 'setpriv is not installed';
  const probe = `mzx${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'network namespaces cannot be made here';
  const usable = ['iptables', 'ip6tables'].every((program) => spawnSync('ip', ['netns', 'exec', probe, program, '-t', 'nat', '-S']).status === 0);
  spawnSync('ip', ['netns', 'del', probe]);
  return usable ? '' : 'the packet filter cannot be used here';
}

/** The reason as a line for the log; the suites that import this are left out then. */
export function reasonToSkip(file: string): string {
  const reason = missingForNamespaces();
  if (reason !== '') process.stderr.write(`${file}: left out, ${reason}\n`);
  return reason;
}

/** A pod, and the world at the other end of its cable. */
export class PodNetwork {
  readonly pod: string;
  readonly world: string;
  readonly #families: readonly Family[];
  readonly #children: ChildProcess[] = [];
  readonly #caretaker: ChildProcess;

  constructor(label: string, families: readonly Family[] = ['IPv4', 'IPv6']) {
    this.pod = `mzp${label}${process.pid}`;
    this.world = `mzw${label}${process.pid}`;
    this.#families = families;
    this.#caretaker = spawnCaretaker([this.pod, this.world]);
    for (const name of [this.pod, this.world]) execFileSync('ip', ['netns', 'add', name]);
    execFileSync('ip', ['link', 'add', 'eth0', 'netns', this.pod, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.world]);
    for (const [name, addresses] of [[this.pod, POD_ADDRESS], [this.world, WORLD_ADDRESS]] as const) {
      for (const family of families) this.run(name, `ip addr add ${addresses[family]}/${family === 'IPv4' ? 24 : 64} dev eth0${family === 'IPv6' ? ' nodad' : ''}`);
      for (const device of ['lo', 'eth0']) this.run(name, `ip link set ${device} up`);
    }
    for (const family of families) this.run(this.pod, `ip ${family === 'IPv6' ? '-6 ' : ''}route add default via ${WORLD_ADDRESS[family]}`);
  }

  /** Runs a command in a namespace to its end; returns what it printed. */
  run(namespace: string, command: string): string {
    return execFileSync('ip', ['netns', 'exec', namespace, ...command.split(' ')], { encoding: 'utf8' });
  }

  /** Applies the node agent's rules for what is said here; the rest is its defaults. */
  async capture(options: Partial<CaptureOptions>): Promise<void> {
    await applyCapture({ ...defaultCaptureOptions, ...options }, { families: this.#families, run: programRunner(`/run/netns/${this.pod}`) });
  }

  /** Starts a program in a namespace and gives it `input`; resolves when it has printed its first line. */
  async start(namespace: string, user: User, command: readonly string[], input = ''): Promise<ChildProcess> {
    const child = spawn('ip', ['netns', 'exec', namespace, 'setpriv', ...USERS[user], ...command], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#children.push(child);
    child.stdin.end(input);
    await new Promise<void>((ready, failed) => {
      let errors = '';
      child.stderr.on('data', (data: Buffer) => {
        errors += data.toString();
        if (process.env['MIZZEN_NETNS_LOG']) process.stderr.write(data);
      });
      child.stdout.once('data', () => ready());
      child.once('exit', () => failed(new Error(errors)));
    });
    return child;
  }

  /** Runs a Node program's text in a namespace to its end; returns what it printed. */
  script(namespace: string, text: string, ...parameters: string[]): string {
    return this.scriptAs('application', namespace, text, ...parameters);
  }

  /** The same as another user. */
  scriptAs(user: User, namespace: string, text: string, ...parameters: string[]): string {
    return execFileSync('ip', ['netns', 'exec', namespace, 'setpriv', ...USERS[user], process.execPath, '--input-type=module', '-e', text, ...parameters], { encoding: 'utf8', timeout: 30_000 });
  }

  /** The body of a GET from a namespace. */
  get(namespace: string, url: string): string {
    return this.script(namespace, 'process.stdout.write(await (await fetch(process.argv[1], { signal: AbortSignal.timeout(5000) })).text())', url);
  }

  /** Ends all that was started and removes the namespaces. */
  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    const tidy = new Promise((resolve) => this.#caretaker.once('exit', resolve));
    this.#caretaker.stdin?.end();
    await tidy;
  }
}

/** Starts a process that removes namespaces, and what runs in them, once its input ends: when it is told to, or when this process is gone, however it ended. */
function spawnCaretaker(namespaces: readonly string[]): ChildProcess {
  const script = 'cat >/dev/null; for name; do ip netns pids "$name" 2>/dev/null | xargs -r kill -9; ip netns del "$name" 2>/dev/null; done; true';
  // In a process group of its own, which no terminal interrupts.
  const child = spawn('sh', ['-c', script, 'caretaker', ...namespaces], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  return child;
}
