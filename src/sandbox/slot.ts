// Which slot of addresses a sandbox takes, and that no other process uses its slot or its directory meanwhile.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { SLOTS } from './network/index.ts';

// Nothing serves here: holding the port is holding the slot, and the system lets go of it when the process dies.
const LOCK_PORT = 10_052;

/** A slot that is held. */
export interface HeldSlot {
  readonly slot: number;
  release(): Promise<void>;
}

/** Takes the wanted slot, or the first free one. */
export async function holdSlot(wanted: number | undefined): Promise<HeldSlot> {
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < SLOTS.first || wanted > SLOTS.last)) {
    throw new Error(`SANDBOX_SLOT_INVALID: slot ${wanted} does not exist; choose one from ${SLOTS.first} to ${SLOTS.last}.`);
  }
  const candidates = wanted === undefined ? Array.from({ length: SLOTS.last - SLOTS.first + 1 }, (_, index) => SLOTS.first + index) : [wanted];
  for (const slot of candidates) {
    const server = await bind(`127.${slot}.0.2`);
    if (server) return { slot, release: () => new Promise((resolve) => server.close(() => resolve())) };
  }
  throw new Error(wanted === undefined ? 'SANDBOX_NO_SLOT: every slot is taken by a running sandbox; stop one first.' : `SANDBOX_SLOT_TAKEN: another sandbox runs in slot ${wanted}; stop it or choose another slot.`);
}

function bind(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen({ host: address, port: LOCK_PORT, exclusive: true }, () => resolve(server));
  });
}

/** Holds a directory for this process; returns the way to let go. */
export function holdDirectory(directory: string): () => void {
  usable(directory, () => makeDirectory(directory));
  const file = join(directory, 'sandbox.pid');
  const holder = usable(directory, () => readHolder(file));
  if (holder !== undefined && holder !== process.pid && lives(holder)) {
    throw new Error(`SANDBOX_DIRECTORY_TAKEN: the sandbox of process ${holder} uses ${directory}; stop it or choose another directory.`);
  }
  usable(directory, () => writeFileSync(file, String(process.pid)));
  return () => rmSync(file, { force: true });
}

function makeDirectory(directory: string): void {
  // Below a folder that is there but takes no new ones (as /proc), Node's recursive form would try for ever.
  const recursive = !existsSync(dirname(directory));
  if (!existsSync(directory)) mkdirSync(directory, { recursive, mode: 0o700 });
}

function usable<T>(directory: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`SANDBOX_DIRECTORY_UNUSABLE: ${directory} cannot be made or written: ${(error as Error).message}. Choose a folder that you may write and that has space.`, { cause: error });
  }
}

function readHolder(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
