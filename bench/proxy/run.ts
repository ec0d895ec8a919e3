// The proxy benchmark: our data plane, nginx, haproxy and Envoy one after the other, same origin, same load, same machine; prints CPU per request, latency and memory, as ratios to
// ours. `npm run bench:proxy [-- --seconds 4 --connections 32 --rounds 2 --scenario http1|http2|http2-to-http1|grpc|all --json FILE --write]`. Loopback only; a peer that is not there is said so
// and left out.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load, type LoadResult } from './load.ts';
import { http2Load, missingLoad } from './http2-load.ts';
import { envoy, haproxy, mizzen, nginx, type Peer, type PeerPlace, type PeerResult } from './peers.ts';

const ADDRESS = '127.91.7.1';
const ORIGIN_PORT = 19_080;
const FIRST_PORT = 19_081;
const TICKS_A_SECOND = 100;

interface Row { name: string; microsecondsPerRequest: number; p50Milliseconds: number; p99Milliseconds: number; residentMegabytes: number; requestsPerSecond: number; failed: number }

/** What is asked of whom. */
interface Scenario {
  readonly title: string;
  readonly origin: 'http1' | 'http2';
  readonly peers: readonly ((place: PeerPlace) => PeerResult)[];
  /** Name of the ratio of our CPU to Envoy's in the results. */
  readonly ratio: string;
  /** Why it cannot be run here, or null. */
  missing(): string | null;
  load(place: { readonly address: string; readonly port: number; readonly directory: string }, connections: number, seconds: number): Promise<LoadResult>;
}

const NOTHING = (): null => null;
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  http1: { title: 'HTTP/1.1 on both sides, one request at a time on each connection', origin: 'http1', peers: [mizzen, nginx, haproxy, envoy], ratio: 'http1_cpu_vs_envoy', missing: NOTHING, load: ({ address, port }, ...rest) => load(address, port, ...rest) },
  http2: { title: 'HTTP/2 on both sides, four streams on each connection', origin: 'http2', peers: [mizzen, envoy], ratio: 'http2_cpu_vs_envoy', missing: missingLoad, load: (...rest) => http2Load('get', ...rest) },
  'http2-to-http1': { title: 'HTTP/2 to HTTP/1.1, four streams on each connection', origin: 'http1', peers: [mizzen, envoy], ratio: 'http2_to_http1_cpu_vs_envoy', missing: missingLoad, load: (...rest) => http2Load('get', ...rest) },
  grpc: { title: 'gRPC: unary calls of 120 bytes, four streams on each connection', origin: 'http2', peers: [mizzen, envoy], ratio: 'grpc_cpu_vs_envoy', missing: missingLoad, load: (...rest) => http2Load('grpc', ...rest) },
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' }, connections: { type: 'string', default: '32' }, rounds: { type: 'string', default: '2' }, write: { type: 'boolean', default: false },
    scenario: { type: 'string', default: 'all' }, json: { type: 'string' },
  },
});
const seconds = Math.min(60, Number(values.seconds));
const connections = Math.min(512, Number(values.connections));
const rounds = Math.min(10, Number(values.rounds));

/** CPU time of a process and its threads, in seconds. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function residentMegabytes(pid: number): number {
  const match = /VmRSS:\s+([0-9]+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}

async function waitForPort(port: number, child: ChildProcess): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: ADDRESS, port });
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** The process that does the work: a launcher may have replaced itself or have one child. */
function workerOf(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter((text) => text !== '');
    return children.length === 1 ? Number(children[0]) : pid;
  } catch (error) {
    process.stderr.write(`children of ${pid} cannot be read: ${String(error)}\n`);
    return pid;
  }
}

async function measure(scenario: Scenario, peer: Peer, port: number): Promise<Row | string> {
  const child = spawn(peer.command, [...peer.args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  child.on('error', (error) => {
    errors += error.message;
  });
  let worker = 0;
  try {
    if (!(await waitForPort(port, child)) || child.pid === undefined) return `did not start: ${errors.trim().split('\n').pop() ?? ''}`;
    worker = workerOf(child.pid);
    const place = { address: ADDRESS, port, directory };
    await scenario.load(place, connections, Math.min(2, seconds));
    const before = cpuSeconds(worker);
    const result = await scenario.load(place, connections, seconds);
    const cpu = cpuSeconds(worker) - before;
    return {
      name: peer.name, microsecondsPerRequest: (cpu * 1e6) / Math.max(1, result.requests), p50Milliseconds: result.p50Milliseconds, p99Milliseconds: result.p99Milliseconds,
      residentMegabytes: residentMegabytes(worker), requestsPerSecond: result.requests / result.seconds, failed: result.failed,
    };
  } finally {
    if (worker !== 0 && worker !== child.pid) process.kill(worker, 'SIGKILL');
    await stop(child);
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function summarize(name: string, rows: readonly Row[]): Row {
  const of = (key: Exclude<keyof Row, 'name'>): number => median(rows.map((row) => row[key]));
  return { name, microsecondsPerRequest: of('microsecondsPerRequest'), p50Milliseconds: of('p50Milliseconds'), p99Milliseconds: of('p99Milliseconds'), residentMegabytes: of('residentMegabytes'), requestsPerSecond: of('requestsPerSecond'), failed: rows.reduce((sum, row) => sum + row.failed, 0) };
}

function print(title: string, rows: readonly Row[]): void {
  const own = rows[0];
  if (!own) return;
  const ratio = (value: number, base: number): string => `${(value / base).toFixed(2)}x`;
  process.stdout.write(`\n${title}: ${connections} at a time, ${seconds} s, median of ${rounds}; ratios to mizzen (under 1 is better than ours)\n`);
  process.stdout.write('proxy      CPU us/request      p50 ms          p99 ms          RSS MB         requests/s  failed\n');
  for (const row of rows) {
    const cell = (value: number, base: number, digits: number): string => `${value.toFixed(digits)} (${ratio(value, base)})`.padEnd(16);
    process.stdout.write(`${row.name.padEnd(10)} ${cell(row.microsecondsPerRequest, own.microsecondsPerRequest, 1)}    ${cell(row.p50Milliseconds, own.p50Milliseconds, 2)}${cell(row.p99Milliseconds, own.p99Milliseconds, 2)}${cell(row.residentMegabytes, own.residentMegabytes, 0)}${row.requestsPerSecond.toFixed(0).padStart(9)}  ${row.failed}\n`);
  }
}

/** What came of one scenario. */
interface Outcome { readonly scenario: Scenario; readonly rows: readonly Row[]; readonly absent: readonly string[] }

function table({ scenario, rows, absent }: Outcome): string {
  const own = rows[0];
  const cell = (value: number, base: number, digits: number): string => `${value.toFixed(digits)} (${(value / base).toFixed(2)}x)`;
  const lines = own ? rows.map((row) => `| ${row.name} | ${cell(row.microsecondsPerRequest, own.microsecondsPerRequest, 1)} | ${cell(row.p50Milliseconds, own.p50Milliseconds, 2)} | ${cell(row.p99Milliseconds, own.p99Milliseconds, 2)} | ${cell(row.residentMegabytes, own.residentMegabytes, 0)} | ${row.requestsPerSecond.toFixed(0)} | ${row.failed} |`) : [];
  return `## ${scenario.title}
${absent.length > 0 ? `\nLeft out: ${absent.join('; ')}.\n` : ''}
| proxy | CPU us/request | p50 ms | p99 ms | RSS MB | requests/s | failed |
|---|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

/** The results as a document that says how they came about. */
function report(outcomes: readonly Outcome[], loads: readonly number[]): string {
  return `# Proxy: CPU, latency and memory beside nginx, haproxy and Envoy

Made by \`npm run bench:proxy -- --seconds ${seconds} --connections ${connections} --rounds ${rounds} --scenario ${values.scenario} --write\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), load average of the machine during the runs
${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}. Every proxy has one worker and does the same on loopback: keep-alive on both sides, 125 bytes of body, one origin, ${connections} requests at a time. The load generator and
the origin run on the same CPUs, so requests a second and the latencies tell what was left for the proxy; CPU per request (user and system, from /proc) is what to compare. Each number is the median of ${rounds} runs that took turns;
in brackets its ratio to ours, under 1 is better than ours. Ours is the data plane bundled into one file, without access log, telemetry and xDS client, as are the others.

${outcomes.map(table).join('\n')}`;
}

/** Our CPU per request beside Envoy's, by the names that targets have. */
function ratios(outcomes: readonly Outcome[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { scenario, rows } of outcomes) {
    const [own, other] = [rows.find(({ name }) => name === 'mizzen'), rows.find(({ name }) => name === 'envoy')];
    if (own && other) found[scenario.ratio] = Number((own.microsecondsPerRequest / other.microsecondsPerRequest).toFixed(3));
  }
  return found;
}

async function runScenario(scenario: Scenario, loads: number[]): Promise<Outcome> {
  const missing = scenario.missing();
  if (missing !== null) {
    process.stdout.write(`${scenario.title}: left out, ${missing}\n`);
    return { scenario, rows: [], absent: [missing] };
  }
  const origin = spawn(process.execPath, [join(import.meta.dirname, scenario.origin === 'http2' ? 'http2-origin.ts' : 'origin.ts'), ADDRESS, String(ORIGIN_PORT)], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    if (!(await waitForPort(ORIGIN_PORT, origin))) throw new Error(`the origin server did not start on ${ADDRESS}:${ORIGIN_PORT}`);
    const place = (index: number): PeerPlace => ({ address: ADDRESS, port: FIRST_PORT + index, originPort: ORIGIN_PORT, origin: scenario.origin, directory, cache: join(import.meta.dirname, '../../.cache') });
    const results = new Map<string, Row[]>();
    const peers = scenario.peers.map((make, index) => ({ found: make(place(index)), port: FIRST_PORT + index }));
    for (const { found } of peers) if ('absent' in found) process.stdout.write(`${found.name}: left out, ${found.absent}\n`);
    for (let round = 0; round < rounds; round += 1) {
      loads.push(loadavg()[0] ?? 0);
      for (const { found, port } of peers) {
        if ('absent' in found) continue;
        const row = await measure(scenario, found.peer, port);
        if (typeof row === 'string') process.stdout.write(`${found.peer.name}: ${row}\n`);
        else results.set(row.name, [...(results.get(row.name) ?? []), row]);
      }
    }
    const rows = [...results].map(([name, list]) => summarize(name, list));
    print(scenario.title, rows);
    return { scenario, rows, absent: peers.flatMap(({ found }) => ('absent' in found ? [`${found.name} (${found.absent})`] : [])) };
  } finally {
    await stop(origin);
  }
}

function chosenScenarios(): readonly Scenario[] {
  if (values.scenario === 'all') return Object.values(SCENARIOS);
  const scenario = SCENARIOS[values.scenario];
  if (!scenario) throw new Error(`there is no scenario ${values.scenario}: choose one of ${Object.keys(SCENARIOS).join(', ')}, or all`);
  return [scenario];
}

const directory = mkdtempSync(join(tmpdir(), 'mizzen-bench-'));
try {
  const loads: number[] = [];
  const outcomes: Outcome[] = [];
  for (const scenario of chosenScenarios()) outcomes.push(await runScenario(scenario, loads));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ratios: ratios(outcomes), scenarios: outcomes.map(({ scenario, rows, absent }) => ({ title: scenario.title, origin: scenario.origin, rows, absent })), seconds, connections, rounds, node: process.version, loads }, null, 2)}\n`);
  if (values.write) {
    const file = join(import.meta.dirname, '../results/proxy.md');
    mkdirSync(join(import.meta.dirname, '../results'), { recursive: true });
    writeFileSync(file, report(outcomes, loads));
    process.stdout.write(`written: ${file}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
