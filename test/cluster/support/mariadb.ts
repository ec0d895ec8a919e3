// A real MariaDB beside the cluster, on the host's address as its pods see it: a server that greets before it hears anything.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running database. */
export interface MariaDb {
  readonly port: number;
  stop(): Promise<void>;
}

/** The server refuses to be root; the number needs no entry in the list of users. */
const USER = 2000;
// Whatever ends the tests ends the server.
const AS_USER = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--pdeathsig', 'TERM'];
const READY_MILLISECONDS = 60_000;

/** Why there can be no database on this machine; empty when there can. */
export function reasonForNoMariaDb(): string {
  return spawnSync('mariadbd', ['--version']).error || spawnSync('mariadb-install-db', ['--help']).error ? 'MariaDB is not installed' : '';
}

/** Starts a database that listens on a free port of the address; resolves once it accepts connections. */
export async function startMariaDb(address: string): Promise<MariaDb> {
  const folder = mkdtempSync(join(tmpdir(), 'mariadb-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  mkdirSync(data);
  chownSync(data, USER, USER);
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server !== undefined && server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await Promise.race([ended, sleep(10_000).then(() => server?.kill('SIGKILL'))]);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const made = spawn('setpriv', [...AS_USER, 'mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'], { stdio: 'ignore' });
    const [status] = await once(made, 'exit') as [number | null];
    if (status !== 0) throw new Error(`mariadb-install-db ended with status ${status ?? 'none'}`);
    const port = await freePort(address);
    server = spawn('setpriv', [...AS_USER, 'mariadbd', '--no-defaults', `--datadir=${data}`, `--socket=${data}/s`, `--pid-file=${data}/p`, `--bind-address=${address}`, `--port=${port}`,
      '--skip-log-bin', '--skip-name-resolve', '--skip-grant-tables', '--skip-networking=0', '--innodb-buffer-pool-size=8M'], { stdio: 'ignore' });
    for (const limit = Date.now() + READY_MILLISECONDS; !(await accepts(address, port)); await sleep(200)) {
      if (server.exitCode !== null || Date.now() > limit) throw new Error(`mariadbd does not accept connections on ${address}:${port}`);
    }
    return { port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A port that nobody listens on; a race with others shows as a database that does not start. */
async function freePort(address: string): Promise<number> {
  const holder = createServer().listen(0, address);
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}

function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address, () => resolve(true)).once('error', () => resolve(false));
    // Whoever is greeted is there; nothing is to be said.
    socket.once('connect', () => socket.destroy());
  });
}
