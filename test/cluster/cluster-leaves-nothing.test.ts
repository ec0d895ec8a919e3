// A cluster that is gone has left nothing on the machine: neither when it was removed nor when whoever started it was killed half-way.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { attempt, run } from '../../tools/cluster/command.ts';
import { textOf } from '../../tools/toolchain/exclusive.ts';
import { clusterFolder } from '../../tools/cluster/layout.ts';
import { attachCluster, startCluster, stopCluster } from '../../tools/cluster/index.ts';
import { claimedIndices } from '../../tools/cluster/state.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';

const UP = fileURLToPath(new URL('../../tools/cluster/up.ts', import.meta.url));
// Beside the ring's own cluster, which must not notice.
const NAME = `${clusterUnderTest().cluster.name}-gone`;

/** What a cluster of that name could leave, by kind. */
interface Traces {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly controlGroups: readonly string[];
  readonly folder: boolean;
  readonly claims: readonly number[];
  readonly links: readonly string[];
  readonly routes: readonly string[];
  /** Rules of the machine's packet filter, all of them: a cluster makes none. */
  readonly rules: string;
}

const GONE = { processes: [], mounts: [], controlGroups: [], folder: false, claims: [], links: [], routes: [] };

/** Looks for traces of the cluster; its index is given where it was known before. */
async function traces(index: number | undefined): Promise<Traces> {
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).flatMap((pid) => {
    const command = textOf(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
    return (textOf(`/proc/${pid}/cgroup`) ?? '').includes(`/mizzen-${NAME}/`) || command.includes(clusterFolder(NAME)) ? [`${pid} ${command}`] : [];
  });
  const lines = async (command: readonly string[], pattern: RegExp) => (await run(command)).split('\n').filter((line) => pattern.test(line));
  const own = index === undefined ? /$^/ : new RegExp(`mz${index}n\\d|10\\.123\\.${index}\\.|10\\.${200 + index}\\.`);
  return {
    processes,
    mounts: readFileSync('/proc/mounts', 'utf8').split('\n').filter((line) => line.includes(clusterFolder(NAME))),
    controlGroups: globSync(`/sys/fs/cgroup/{,*/}mizzen-${NAME}`),
    folder: existsSync(clusterFolder(NAME)),
    claims: claimedIndices(NAME),
    links: await lines(['ip', '-oneline', 'link', 'show'], own),
    routes: await lines(['ip', 'route', 'show', 'table', 'all'], own),
    rules: (await Promise.all(['iptables-save', 'ip6tables-save'].map(async (program) => (await attempt([program])).stdout))).join('\n').replace(/^#.*|\[\d+:\d+\]/gm, ''),
  };
}

it('a cluster that is removed leaves nothing, and a second removal does no harm', async () => {
  const before = await traces(undefined);
  const cluster = await startCluster({ name: NAME });
  const [index] = claimedIndices(NAME);
  const running = await traces(index);
  expect(running).toMatchObject({ folder: true, claims: [index], rules: before.rules });
  expect(running.processes.length).toBeGreaterThan(10);
  expect(running.links.length).toBe(1);
  await cluster.stop();
  expect(await traces(index)).toEqual({ ...GONE, rules: before.rules });
  await stopCluster(NAME);
});

it.each([['at once', /namespaces/], ['while the nodes come up', /API server/]])('a cluster whose start is killed %s leaves nothing once it is removed', async (_when, stage) => {
  const before = await traces(undefined);
  const starter = spawn(process.execPath, [UP, '--name', NAME], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: starter.stdout })) if (stage.test(line)) break;
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  const [index] = claimedIndices(NAME);
  expect(() => attachCluster(NAME)).toThrow(/no running cluster/);
  expect((await traces(index)).processes).not.toEqual([]);
  await stopCluster(NAME);
  expect(await traces(index)).toEqual({ ...GONE, rules: before.rules });
});

it.each([
  ['interrupted', 'SIGINT', 130, async (starter: ChildProcess) => void starter.kill('SIGINT')],
  ['of a cluster that is removed meanwhile', 'SIGTERM', 143, () => stopCluster(NAME)],
] as const)('a start %s gives up, says so, and leaves nothing', async (_what, signal, status, end) => {
  const before = await traces(undefined);
  const starter = spawn(process.execPath, [UP, '--name', NAME], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(starter, 'exit');
  let errors = '';
  starter.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const told: string[] = [];
  let index: number | undefined;
  let ending: Promise<void> | undefined;
  for await (const line of createInterface({ input: starter.stdout })) {
    told.push(line.replace(/^ *[\d.]+ s {2}/, ''));
    if (!told.at(-1)?.includes('namespaces')) continue;
    [index] = claimedIndices(NAME);
    ending = end(starter);
  }
  expect([(await ended)[0], errors]).toEqual([status, '']);
  expect(told.slice(-2)).toEqual([`${signal}: stopping, and removing what has been made of '${NAME}' ...`, `given up after ${signal}; nothing is left of '${NAME}'`]);
  await ending;
  expect(await traces(index)).toEqual({ ...GONE, rules: before.rules });
});

it('a cluster that is to end with its starter is removed when that is killed', async () => {
  const script = `import { startCluster } from ${JSON.stringify(new URL('../../tools/cluster/index.ts', import.meta.url).href)};
await startCluster({ name: ${JSON.stringify(NAME)}, endsWithStarter: true, progress: console.log });`;
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: starter.stdout })) if (line.includes('API server')) break;
  const [index] = claimedIndices(NAME);
  starter.kill('SIGKILL');
  await expect.poll(async () => {
    const { rules: _rules, ...left } = await traces(index);
    return left;
  }, { timeout: 30_000 }).toEqual(GONE);
});
