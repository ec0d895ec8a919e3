// The memory benchmark: resident memory of an idle sidecar with the Bookinfo mesh in force, beside bare Node with the modules that any proxy on Node needs, and an idle nginx worker.
// `node tools/build.ts && node bench/memory/run.ts [--settle 12] [--program dist/proxy.js]`. Loopback only. "own" is what the process alone holds; the rest are pages of the
// program's file, which all processes of a machine share.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { POD_PREFIX, startControlPlane } from './control-plane.ts';

const { values } = parseArgs({ options: { settle: { type: 'string', default: '12' }, program: { type: 'string', default: join(import.meta.dirname, '../../dist/proxy.js') }, node: { type: 'string', multiple: true, default: [] } } });
const HOST = `${POD_PREFIX}200.1`;
const POD = `${POD_PREFIX}1.2`;
const folder = mkdtempSync(join(tmpdir(), 'mizzen-memory-'));
const children: ChildProcess[] = [];

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
  children.push(child);
  return child;
}

function kilobytes(pid: number, field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

function report(name: string, pid: number | undefined): void {
  if (pid === undefined) throw new Error(`${name} did not start`);
  const cell = (value: number): string => (value / 1024).toFixed(1).padStart(9);
  process.stdout.write(`${name.padEnd(42)}${cell(kilobytes(pid, 'VmRSS'))}${cell(kilobytes(pid, 'RssAnon'))}${cell(kilobytes(pid, 'RssFile'))}\n`);
}

const sleep = (milliseconds: number): Promise<void> => new Promise((wake) => setTimeout(wake, milliseconds));

async function status(url: string): Promise<number> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status;
  } catch (_notYet) {
    return 0;
  }
}

async function bareNode(name: string, script: string): Promise<void> {
  const child = start(process.execPath, ['-e', `${script};setInterval(()=>{},1e6)`]);
  await sleep(1500);
  report(name, child.pid);
}

async function nginx(): Promise<void> {
  if (spawnSync('nginx', ['-v']).error) {
    process.stdout.write('nginx: left out, it is not installed\n');
    return;
  }
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; events { worker_connections 512; } http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder}; server { listen ${HOST}:19090; location / { proxy_pass http://${HOST}:19091; } } }`);
  const child = start('nginx', ['-c', file]);
  await sleep(1000);
  report('nginx, one proxied host', child.pid);
}

async function sidecar(): Promise<void> {
  const controlPlane = await startControlPlane(HOST);
  try {
    writeFileSync(join(folder, 'token'), 'token');
    writeFileSync(join(folder, 'root.pem'), controlPlane.rootPem);
    const child = start(process.execPath, [...values.node, resolve(values.program), 'proxy', 'sidecar'], {
      POD_NAME: 'reviews-v1-abc-1', POD_NAMESPACE: 'bookinfo', INSTANCE_IP: POD, SERVICE_ACCOUNT: 'reviews', ISTIO_META_INTERCEPTION_MODE: 'NONE', ISTIO_META_HTTP_PROXY_PORT: '15007', ISTIO_META_BIND_INBOUND: 'true',
      ISTIO_META_WORKLOAD_NAME: 'reviews-v1', PROXY_TOKEN_FILE: join(folder, 'token'), XDS_ROOT_CA: join(folder, 'root.pem'), PROXY_BIND_ADDRESS: POD,
      PROXY_CONFIG: JSON.stringify({ discoveryAddress: controlPlane.address, proxyAdminPort: 29500, terminationDrainDuration: '0.1s' }),
    });
    const ready = `http://${POD}:15021/healthz/ready`;
    for (let attempt = 0; (await status(ready)) !== 200; attempt += 1) {
      if (attempt > 150) throw new Error(`the sidecar is not ready: ${await (await fetch(ready)).text()}`);
      await sleep(200);
    }
    report('mizzen sidecar, just ready', child.pid);
    await sleep(Number(values.settle) * 1000);
    report(`mizzen sidecar, idle for ${values.settle} s`, child.pid);
    const socket = await open(POD, 9080);
    await sleep(1000);
    report('mizzen sidecar, with one connection', child.pid);
    socket.destroy();
  } finally {
    await controlPlane.stop();
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect({ host, port }, () => done(socket));
    socket.on('error', failed);
  });
}

try {
  process.stdout.write(`MB, node ${process.version}                           resident      own   shared\n`);
  await bareNode('bare node', '');
  await bareNode('bare node with http, http2 and tls', "require('node:http');require('node:http2');require('node:tls')");
  await nginx();
  await sidecar();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
