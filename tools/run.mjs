// Runs a task of the project on a machine that has nothing but Node >= 18 and npm: installs the packages when the lock
// file changed, generates and builds what is older than its sources, then hands over to the Node 24 that the packages brought.
// Plain JavaScript on purpose: it is read by whatever Node the machine has.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const node24 = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
const installStamp = join(root, 'node_modules/.mizzen-installed');
const lock = join(root, '.cache/prepare.lock');
/** After so long a lock is left over, whatever its owner's number says: numbers are used again. */
const LOCK_LIMIT_MILLISECONDS = 15 * 60_000;

function fail(message, status = 1) {
  process.stderr.write(`mizzen: ${message}\n`);
  process.exit(status);
}

function checkMachine() {
  if (process.platform !== 'linux') fail(`this runs on Linux; found ${process.platform}. On another system use a Linux virtual machine or container.`);
  if (Number(process.versions.node.split('.')[0]) < 18) fail(`Node 18 or newer is needed to start; found ${process.versions.node}. Node 24 itself is installed with the packages.`);
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 4 || (major === 4 && minor < 18)) fail(`Linux 4.18 or newer is needed by Node 24; found ${release()}.`);
}

function lockDigest() {
  return createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
}

/** Programs started from here, which are not to outlive it. */
const started = new Set();
let ended;

/** Ends what runs; this process ends after it. */
function end(signal) {
  ended ??= signal;
  // A terminal's interrupt reaches the programs by itself.
  if (signal !== 'SIGINT' || !process.stdin.isTTY) for (const child of started) child.kill(signal);
  if (started.size === 0) process.exit(statusAfter(signal));
}

function statusAfter(signal) {
  return signal === 'SIGINT' ? 130 : 143;
}

/** The parent of a process; undefined when that is gone. */
function parentOf(pid) {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** npm, and the shell that it starts this with, do not always pass on that they were ended: that they are gone is the sign. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const above = parentOf(shell);
  setInterval(() => { if (process.ppid !== shell || parentOf(shell) !== above) end('SIGTERM'); }, 500).unref();
}

/** Runs a program to its end; gives its status and, unless it writes where this one does, its output. */
function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, options);
    started.add(child);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name]?.setEncoding('utf8').on('data', (text) => { output[name] += text; });
    const settle = (result) => {
      started.delete(child);
      if (ended !== undefined) process.exit(statusAfter(ended));
      resolve({ ...output, ...result });
    };
    child.on('error', (error) => settle({ error }));
    child.on('close', (status, signal) => settle({ status, signal }));
  });
}

function npm(args) {
  // Another package manager that ran the script names itself there.
  const viaNpm = /(^|[\\/])npm(-cli)?\.c?js$/.test(process.env.npm_execpath ?? '') ? process.env.npm_execpath : undefined;
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] };
  return viaNpm ? run(process.execPath, [viaNpm, ...args], options) : run('npm', args, options);
}

function isNetworkFailure({ stderr, stdout }) {
  return /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|FETCH_ERROR|network request to/i.test(`${stderr}${stdout}`);
}

function failOffline() {
  fail('the package registry cannot be reached, and the first run needs it. Connect to the network (or set npm\'s registry or proxy) and run the command again.');
}

async function installPackages() {
  const digest = lockDigest();
  if (existsSync(installStamp) && readFileSync(installStamp, 'utf8') === digest && existsSync(node24)) return;
  process.stderr.write('mizzen: installing packages (first run only, about a minute) ...\n');
  // One quick question first: without it npm spends minutes on retries before it says that there is no network.
  const reached = await npm(['view', 'yaml', 'name', '--prefer-online', '--fetch-retries=0', '--fetch-timeout=20000', '--loglevel=error']);
  const offline = !reached.error && reached.status !== 0 && isNetworkFailure(reached);
  // No package needs its install script: platform binaries come as packages of their own.
  const result = await npm(['ci', '--ignore-scripts', offline ? '--offline' : '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']);
  if (result.error) fail(`npm could not be started: ${result.error.message}. Install npm and run the command again.`);
  if (result.status !== 0) {
    if (offline || isNetworkFailure(result)) failOffline();
    fail(`npm ci failed:\n${result.stderr}${result.stdout}`);
  }
  if (!existsSync(node24)) fail(`there is no Node 24 package for this machine (${process.arch}). Supported: Linux on x64 and arm64 with glibc.`);
  writeFileSync(installStamp, digest);
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whether the process that a lock names still works on it. A lock taken on another machine is trusted until its limit. */
function isHeld(owner) {
  const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age > LOCK_LIMIT_MILLISECONDS) return false;
  const [machine, pid] = owner.split(' ');
  if (machine !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the lock's directory away when it is still the one of `owner`. */
function removeLock(owner) {
  const aside = `${lock}.${process.pid}.old`;
  try {
    renameSync(lock, aside);
    if (textOf(join(aside, 'owner')) === owner) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, lock);
  } catch (error) {
    // Somebody else was quicker.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}

/** Makes the directory that becomes the lock; the first thing that a run writes. */
function makeLock(own, owner) {
  try {
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'owner'), owner);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    fail(`this user cannot write the project's folder ${root} (${error.code}), and packages and builds go there. Use a clone of your own.`);
  }
}

/** Runs `work` while no other run installs, generates or builds in this folder. The lock is a directory that comes into being with its owner's name in it. */
async function alone(work) {
  const owner = `${hostname()} ${process.pid}`;
  const own = `${lock}.${process.pid}`;
  makeLock(own, owner);
  for (let told = false; ;) {
    try {
      renameSync(own, lock);
      break;
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
    const present = textOf(join(lock, 'owner'));
    if (present !== undefined && !isHeld(present)) removeLock(present);
    else if (present !== undefined && !told) {
      process.stderr.write(`mizzen: waiting for another run that prepares this folder (${present}) ...\n`);
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const giveBack = () => removeLock(owner);
  process.once('exit', giveBack);
  await work();
  process.removeListener('exit', giveBack);
  giveBack();
}

function runNode(script, args, options = {}) {
  return run(node24, [join(root, script), ...args], { cwd: root, stdio: 'inherit', ...options });
}

async function prepare(build) {
  await installPackages();
  const generated = await runNode('tools/generate-xds.ts', []);
  if (generated.status !== 0) fail('generating the xDS types failed; see the lines above.');
  if (build && (await runNode('tools/build.ts', ['--if-changed'])).status !== 0) fail('the build failed; see the lines above.');
}

/** Tasks: the script that does it, fixed arguments, and whether the programs in dist/ must be built first. */
const tasks = {
  up: { script: 'dist/mizzen.js', args: ['up'], build: true },
  mizzen: { script: 'dist/mizzen.js', args: [], build: true },
  test: { script: 'tools/test.ts', args: [], build: true },
  'test:apiserver': { script: 'tools/test-apiserver.ts', args: [], build: true },
  golden: { script: 'tools/test.ts', args: ['--update'], build: true },
  check: { script: 'tools/check.ts', args: [], build: true },
  build: { script: 'tools/build.ts', args: [], build: false },
  gen: { script: 'tools/generate.ts', args: [], build: false },
  'gen:check': { script: 'tools/generate.ts', args: ['--check'], build: false },
  images: { script: 'tools/images.ts', args: [], build: false },
  'test:interop': { script: 'tools/test-interop.ts', args: [], build: true },
  'test:k3s': { script: 'tools/test-k3s.ts', args: [], build: true },
  'test:cluster': { script: 'tools/test-cluster.ts', args: [], build: true },
  'test:conformance': { script: 'tools/conformance/gateway-api.ts', args: [], build: false },
  'cluster:up': { script: 'tools/cluster/up.ts', args: [], build: false },
  'cluster:down': { script: 'tools/cluster/down.ts', args: [], build: false },
  'bench:proxy': { script: 'bench/proxy/run.ts', args: [], build: true },
};

const [taskName = '', ...rest] = process.argv.slice(2);
const task = Object.hasOwn(tasks, taskName) ? tasks[taskName] : undefined;
if (!task) fail(`unknown task '${taskName}'. Known: ${Object.keys(tasks).join(', ')}.`, 2);
checkMachine();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
endWithNpm();
await alone(() => prepare(task.build));
// The task's own process gets the terminal's signals itself; this one only waits for it and passes its exit status on.
const child = spawn(node24, [join(root, task.script), ...task.args, ...rest], {
  cwd: process.env.INIT_CWD && taskName === 'mizzen' ? process.env.INIT_CWD : root, stdio: 'inherit',
  // Its number lets the program notice when this process is gone without a word.
  env: { ...process.env, PATH: `${dirname(node24)}:${process.env.PATH}`, MIZZEN_RUNNER: String(process.pid) },
});
started.add(child);
child.on('error', (error) => fail(`${task.script} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? statusAfter(signal)));
