// The runner in a folder of its own, where the preparation is a script that writes down when it began and ended.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root = '';
const lock = (): string => join(root, '.cache/prepare.lock');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mizzen runner '));
  mkdirSync(join(root, 'tools'));
  mkdirSync(join(root, `node_modules/node-linux-${process.arch}/bin`), { recursive: true });
  symlinkSync(process.execPath, join(root, `node_modules/node-linux-${process.arch}/bin/node`));
  copyFileSync(fileURLToPath(new URL('./run.mjs', import.meta.url)), join(root, 'tools/run.mjs'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'node_modules/.mizzen-installed'), createHash('sha256').update('{}').digest('hex'));
  writeFileSync(join(root, 'tools/generate-xds.ts'), `import { appendFileSync } from 'node:fs';
appendFileSync('log', 'begin '); await new Promise((resolve) => setTimeout(resolve, 300)); appendFileSync('log', 'end ');\n`);
  writeFileSync(join(root, 'tools/generate.ts'), "process.stdout.write('ran');\n");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function run(): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'tools/run.mjs'), 'gen'], { cwd: root });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, output, errors }));
  });
}

function leaveLock(owner: string, ageMilliseconds = 0): void {
  mkdirSync(lock(), { recursive: true });
  writeFileSync(join(lock(), 'owner'), owner);
  const time = new Date(Date.now() - ageMilliseconds);
  utimesSync(lock(), time, time);
}

test('runs at the same time prepare one after the other, and leave no lock', async () => {
  const results = await Promise.all([run(), run(), run()]);
  expect(results.map(({ code, output }) => [code, output])).toEqual([[0, 'ran'], [0, 'ran'], [0, 'ran']]);
  expect(readFileSync(join(root, 'log'), 'utf8')).toBe('begin end begin end begin end ');
  expect(results.filter(({ errors }) => errors.includes('waiting for another run')).length).toBeGreaterThan(0);
  expect(existsSync(lock())).toBe(false);
});

test('a lock whose owner is gone, or that is far too old, is taken over', async () => {
  const ended = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => ended.on('exit', resolve));
  leaveLock(`${hostname()} ${ended.pid ?? 0}`);
  expect((await run()).output).toBe('ran');
  leaveLock('another-machine 1', 16 * 60_000);
  expect((await run()).output).toBe('ran');
});

test('a preparation that fails gives the lock back', async () => {
  writeFileSync(join(root, 'tools/generate-xds.ts'), 'process.exit(1);\n');
  const { code, errors } = await run();
  expect([code, errors]).toEqual([1, 'mizzen: generating the xDS types failed; see the lines above.\n']);
  expect(existsSync(lock())).toBe(false);
});

test('a folder that the user cannot write is told in one line', async () => {
  // Where even root makes no folder.
  symlinkSync('/sys', join(root, '.cache'));
  const { code, errors } = await run();
  expect(code).toBe(1);
  expect(errors.replace(/\(E[A-Z]+\)/, '(CODE)')).toBe(`mizzen: this user cannot write the project's folder ${root} (CODE), and packages and builds go there. Use a clone of your own.\n`);
});

/** Starts the runner as npm's shell does, and waits until the log says that the work began. */
async function startUnderShell(task: string): Promise<{ readonly shell: ReturnType<typeof spawn>; readonly worker: number }> {
  // The second command keeps the shell from becoming the runner itself.
  const shell = spawn('sh', ['-c', `"${process.execPath}" tools/run.mjs ${task}; true`], { cwd: root, stdio: 'ignore', env: { ...process.env, npm_lifecycle_event: 'start', npm_execpath: join(root, 'npm-cli.js') } });
  // The file is there a moment before its text is.
  const worker = (): number => (existsSync(join(root, 'worker')) ? Number(readFileSync(join(root, 'worker'), 'utf8')) : 0);
  await expect.poll(worker, { timeout: 10_000 }).toBeGreaterThan(0);
  return { shell, worker: worker() };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const work = "require('node:fs').writeFileSync('worker', String(process.pid)); setInterval(() => undefined, 1000);\n";

test('what runs ends when the shell that npm started it with is killed', async () => {
  writeFileSync(join(root, 'tools/generate.ts'), work.replace("require('node:fs')", "process.getBuiltinModule('node:fs')"));
  const { shell, worker } = await startUnderShell('gen');
  shell.kill('SIGKILL');
  await expect.poll(() => isAlive(worker), { timeout: 5000 }).toBe(false);
});

test('an installation ends with the runner', async () => {
  rmSync(join(root, 'node_modules/.mizzen-installed'));
  writeFileSync(join(root, 'npm-cli.js'), work);
  const { shell, worker } = await startUnderShell('gen');
  shell.kill('SIGTERM');
  await expect.poll(() => isAlive(worker), { timeout: 5000 }).toBe(false);
  await expect.poll(() => existsSync(lock()), { timeout: 5000 }).toBe(false);
});
