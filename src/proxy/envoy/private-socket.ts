// Sockets for the one process that the agent runs: in a folder that nobody else reaches, because private keys go over them. Called by the agent
// before it serves Envoy, and by the two services.
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import type { GrpcServer } from '../../shared/grpc/index.ts';

const OWNER_ALONE = 0o700;
const SOCKET_OF_OWNER = 0o600;
const WRITABLE_BY_OTHERS = 0o022;

/** Makes `path` a folder of `owner` alone. One that was there before is refused when others could have put something into it. */
export function makePrivateFolder(path: string, owner = process.getuid?.()): void {
  mkdirSync(path, { recursive: true, mode: OWNER_ALONE });
  // Not stat: a link would lead to what somebody else chose.
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is no folder. Envoy's sockets, over which private keys go, need one of their own there: remove it.`);
  if (owner !== undefined && found.uid !== owner) throw new Error(`${path} belongs to user ${found.uid}, not to ${owner} as whom the agent runs. Private keys go over the sockets in it: remove it, or set configPath to another folder.`);
  if ((found.mode & WRITABLE_BY_OTHERS) !== 0) throw new Error(`${path} can be written by others (mode ${(found.mode & 0o777).toString(8)}). Private keys go over the sockets in it: remove it, or set configPath to another folder.`);
  chmodSync(path, OWNER_ALONE);
}

/** Starts `server`, whose socket is at `socketPath`, for its owner alone. */
export async function startOnPrivateSocket(server: GrpcServer, socketPath: string): Promise<void> {
  await server.start();
  chmodSync(socketPath, SOCKET_OF_OWNER);
}
