// Captured traffic for real: a pod in a network namespace with the packet filter's REDIRECT, a client in another. Needs root, ip and iptables; says so when it cannot run.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const POD = `mzp${process.pid}`;
const CLIENT = `mzc${process.pid}`;
const SERVICE = '10.9.9.9';
const SERVICE6 = 'fd00:9::9';

function missing(): string {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['ip', 'iptables', 'ip6tables']) if (spawnSync(program, ['-V']).error) return `${program} is not installed`;
  if (spawnSync('ip', ['netns', 'add', `${POD}x`]).status !== 0) return 'network namespaces cannot be made here';
  const usable = spawnSync('ip', ['netns', 'exec', `${POD}x`, 'iptables', '-t', 'nat', '-S']).status === 0;
  spawnSync('ip', ['netns', 'del', `${POD}x`]);
  return usable ? '' : 'the packet filter cannot be used here';
}

const reason = missing();
if (reason !== '') process.stderr.write(`capture.test.ts: left out, ${reason}\n`);

const within = (namespace: string, command: string): string => execFileSync('ip', ['netns', 'exec', namespace, ...command.split(' ')], { encoding: 'utf8' });
const body = (namespace: string, url: string): string =>
  execFileSync('ip', ['netns', 'exec', namespace, process.execPath, '-e', `fetch(process.argv[1],{signal:AbortSignal.timeout(5000)}).then((r)=>r.text()).then((t)=>process.stdout.write(t))`, url], { encoding: 'utf8' });

function build(): void {
  for (const name of [POD, CLIENT]) execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['link', 'add', 'eth0', 'netns', POD, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', CLIENT]);
  for (const [name, host] of [[POD, 2], [CLIENT, 1]] as const) {
    within(name, `ip addr add 10.9.7.${host}/24 dev eth0`);
    within(name, `ip addr add fd00:7::${host}/64 dev eth0 nodad`);
    for (const device of ['lo', 'eth0']) within(name, `ip link set ${device} up`);
  }
  within(POD, 'ip route add default via 10.9.7.1');
  within(POD, 'ip -6 route add default via fd00:7::1');
  for (const [tables, services] of [['iptables', '10.9.0.0/16'], ['ip6tables', 'fd00:9::/64']] as const) {
    within(POD, `${tables} -t nat -A OUTPUT -p tcp -d ${services} -j REDIRECT --to-ports 15001`);
    within(POD, `${tables} -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 15006`);
  }
}

describe.skipIf(reason !== '')('captured connections', () => {
  let proxy: ChildProcess | undefined;

  beforeAll(async () => {
    build();
    const child = spawn('ip', ['netns', 'exec', POD, process.execPath, join(import.meta.dirname, 'testdata/captured-proxy.ts'), '10.9.7.2', SERVICE, 'fd00:7::2', SERVICE6], { stdio: ['ignore', 'pipe', 'pipe'] });
    proxy = child;
    await new Promise<void>((ready, failed) => {
      let errors = '';
      child.stderr.on('data', (data: Buffer) => {
        errors += data.toString();
      });
      child.stdout.once('data', () => ready());
      child.once('exit', () => failed(new Error(errors)));
    });
  }, 20_000);

  afterAll(async () => {
    if (proxy && proxy.exitCode === null) {
      const gone = new Promise((resolve) => proxy?.once('exit', resolve));
      proxy.kill('SIGKILL');
      await gone;
    }
    for (const name of [POD, CLIENT]) spawnSync('ip', ['netns', 'del', name]);
  });

  it('going out are handed to the listener of their destination, or to the fallback when there is none', () => {
    expect(body(POD, `http://${SERVICE}/`)).toBe('service');
    expect(body(POD, 'http://10.9.9.10/')).toBe('unknown');
    expect(body(POD, `http://${SERVICE}:81/`)).toBe('unknown');
  }, 20_000);

  it('coming in are served by the chain of the port that was meant', () => {
    expect(body(CLIENT, 'http://10.9.7.2:9080/')).toBe('application');
    expect(body(CLIENT, 'http://10.9.7.2:9081/')).toBe('unknown');
  }, 20_000);

  it('of IPv6 go the same ways', () => {
    expect(body(CLIENT, 'http://[fd00:7::2]:9080/')).toBe('application');
    expect(body(CLIENT, 'http://[fd00:7::2]:9081/')).toBe('unknown');
  }, 20_000);
});
