// Runs a task of the project on a machine that has nothing but Node >= 18 and npm: installs the packages when the lock
// file changed, generates and builds what is older than its sources, then hands over to the Node 24 that the packages brought.
// Plain JavaScript on purpose: it is read by whatever Node the machine has.
import { spawn, spawnSync } from 'node:child_process';
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

function fail(message) {
  process.stderr.write(`mizzen: ${message}\n`);
  process.exit(1);
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

function npm(args) {
  // Another package manager that ran the script names itself there.
  const viaNpm = /(^|[\\/])npm(-cli)?\.c?js$/.test(process.env.npm_execpath ?? '') ? process.env.npm_execpath : undefined;
  return viaNpm ? spawnSync(process.execPath, [viaNpm, ...args], { cwd: root, encoding: 'utf8' }) : spawnSync('npm', args, { cwd: root, encoding: 'utf8' });
}

function isNetworkFailure({ stderr, stdout }) {
  return /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|FETCH_ERROR|network request to/i.test(`${stderr}${stdout}`);
}

function failOffline() {
  fail('the package registry cannot be reached, and the first run needs it. Connect to the network (or set npm\'s registry or proxy) and run the command again.');
}

function installPackages() {
  const digest = lockDigest();
  if (existsSync(installStamp) && readFileSync(installStamp, 'utf8') === digest && existsSync(node24)) return;
  process.stderr.write('mizzen: installing packages (first run only, about a minute) ...\n');
  // One quick question first: without it npm spends minutes on retries before it says that there is no network.
  const reached = npm(['view', 'yaml', 'name', '--prefer-online', '--fetch-retries=0', '--fetch-timeout=20000', '--loglevel=error']);
  const offline = !reached.error && reached.status !== 0 && isNetworkFailure(reached);
  // No package needs its install script: platform binaries come as packages of their own.
  const result = npm(['ci', '--ignore-scripts', offline ? '--offline' : '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']);
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
    if (error.code === 'ENOENT') return undefined;
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

/** Runs `work` while no other run installs, generates or builds in this folder. The lock is a directory that comes into being with its owner's name in it. */
function alone(work) {
  const owner = `${hostname()} ${process.pid}`;
  const own = `${lock}.${process.pid}`;
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'owner'), owner);
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
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const giveBack = () => removeLock(owner);
  process.once('exit', giveBack);
  work();
  process.removeListener('exit', giveBack);
  giveBack();
}

function runNode(script, args, options = {}) {
  return spawnSync(node24, [join(root, script), ...args], { cwd: root, stdio: 'inherit', ...options });
}

function prepare(build) {
  installPackages();
  const generated = runNode('tools/generate-xds.ts', []);
  if (generated.status !== 0) fail('generating the xDS types failed; see the lines above.');
  if (build && runNode('tools/build.ts', ['--if-changed']).status !== 0) fail('the build failed; see the lines above.');
}

/** Tasks: the script that does it, fixed arguments, and whether the programs in dist/ must be built first. */
const tasks = {
  up: { script: 'dist/mizzen.js', args: ['up'], build: true },
  mizzen: { script: 'dist/mizzen.js', args: [], build: true },
  test: { script: 'tools/test.ts', args: [], build: true },
  golden: { script: 'tools/test.ts', args: ['--update'], build: true },
  check: { script: 'tools/check.ts', args: [], build: true },
  build: { script: 'tools/build.ts', args: [], build: false },
  gen: { script: 'tools/generate.ts', args: [], build: false },
  'gen:check': { script: 'tools/generate.ts', args: ['--check'], build: false },
  'bench:proxy': { script: 'bench/proxy/run.ts', args: [], build: true },
};

const [taskName = '', ...rest] = process.argv.slice(2);
const task = tasks[taskName];
if (!task) fail(`unknown task '${taskName}'. Known: ${Object.keys(tasks).join(', ')}.`);
checkMachine();
alone(() => prepare(task.build));
// The task's own process gets the terminal's signals itself; this one only waits for it and passes its exit status on.
const child = spawn(node24, [join(root, task.script), ...task.args, ...rest], { cwd: process.env.INIT_CWD && taskName === 'mizzen' ? process.env.INIT_CWD : root, stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node24)}:${process.env.PATH}` } });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal); });
child.on('error', (error) => fail(`${task.script} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
