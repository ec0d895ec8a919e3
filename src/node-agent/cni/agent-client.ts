// Finds a node agent that answers and has it capture a pod. Runs in the plugin, on the node itself.
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LINE_LIMIT, type CaptureReply, type CaptureRequest } from './agent-protocol.ts';

const REPLY_MILLISECONDS = 60_000;

/** Asks the agents of `directory`, one after the other until one is there. Throws when none is, or when the capture failed. */
export async function askAgent(directory: string, request: CaptureRequest): Promise<string> {
  const sockets = (await readdir(directory).catch(() => [])).filter((file) => file.endsWith('.sock')).sort();
  for (const socket of sockets) {
    const line = await exchange(join(directory, socket), JSON.stringify(request));
    if (line === undefined) continue;
    const reply = JSON.parse(line) as CaptureReply;
    if ('error' in reply) throw new Error(reply.error);
    return reply.outcome;
  }
  throw new Error(`no node agent of the mesh answers in ${directory}: this pod waits, rather than start with its traffic not captured; look at the DaemonSet istio-cni-node on this node`);
}

// The answer; undefined when nobody listens or the agent ended before it answered, so that another is asked. Capture may be done twice without harm.
function exchange(path: string, line: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let answer = '';
    socket.setTimeout(REPLY_MILLISECONDS, () => socket.destroy(new Error(`the node agent did not answer within ${REPLY_MILLISECONDS / 1_000} seconds`)));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (answer.length > LINE_LIMIT) socket.destroy(new Error('the node agent answered more than is read'));
    });
    socket.once('connect', () => socket.write(`${line}\n`));
    socket.once('end', () => { socket.end(); resolve(answer.endsWith('\n') ? answer : undefined); });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
  });
}
