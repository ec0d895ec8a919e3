// Logs, commands and port forwarding of the pods on the node, for the API server's subresources.
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiStatusError, type ExecStreams, type PodStreams } from '../api-server/internal-client.ts';
import { podLoopback } from '../network/index.ts';
import type { ContainerRunner } from './container-runner.ts';
import type { PodWorker } from './pod-worker.ts';

type FindPod = (namespace: string, name: string) => PodWorker | undefined;

/** The streams of the pods that `find` finds. */
export function podStreams(find: FindPod): PodStreams {
  return {
    logs: (namespace, pod, options, signal) => logs(findContainer(find, namespace, pod, options.container), pod, options, signal),
    exec: (namespace, pod, options) => exec(findContainer(find, namespace, pod, options.container), options),
    portForward: (namespace, pod, port) => portForward(findPod(find, namespace, pod), port),
  };
}

function findPod(find: FindPod, namespace: string, name: string): PodWorker {
  const worker = find(namespace, name);
  if (!worker) throw new ApiStatusError(404, 'NotFound', `pods "${name}" not found`);
  return worker;
}

function findContainer(find: FindPod, namespace: string, name: string, container: string | undefined): ContainerRunner {
  const worker = findPod(find, namespace, name);
  const wanted = container ?? worker.context.pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ?? worker.context.pod.spec.containers[0]?.name;
  const runner = worker.containers.find((candidate) => candidate.spec.name === wanted);
  if (!runner) throw new ApiStatusError(400, 'BadRequest', `container ${wanted} is not valid for pod ${name}`);
  return runner;
}

async function* logs(runner: ContainerRunner, pod: string, options: Parameters<PodStreams['logs']>[2], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const log = options.previous ? runner.previousLog : runner.log;
  if (!log) {
    const message = options.previous ? `previous terminated container "${runner.spec.name}" in pod "${pod}" not found`
      : `container "${runner.spec.name}" in pod "${pod}" is waiting to start: ${runner.state.waiting?.reason ?? 'ContainerCreating'}`;
    throw new ApiStatusError(400, 'BadRequest', message);
  }
  let left = options.limitBytes ?? Infinity;
  for await (const chunk of log.read(options, signal)) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function exec(runner: ContainerRunner, options: Parameters<PodStreams['exec']>[2]): Promise<ExecStreams> {
  const group = await runner.exec(options.command, [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe']).catch((error: NodeJS.ErrnoException) => {
    throw new ApiStatusError(500, 'InternalError', error.code === 'ENOENT' ? `exec failed: "${options.command[0]}": executable file not found in $PATH` : error.message);
  });
  const { stdin, stdout, stderr } = group.child;
  if (!stdout || !stderr) throw new Error('A command was started without its output streams.');
  return { stdin: stdin ?? undefined, stdout, stderr, exit: group.exit.then((exit) => exit.code), kill: () => group.kill() };
}

// On a real node it is the pod's localhost; programs that bind the wildcard are found at the pod IP here.
async function portForward(worker: PodWorker, port: number): Promise<Duplex> {
  const { podIp } = worker.context;
  try {
    return await open(podLoopback(podIp), port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    return open(podIp, port);
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    socket.once('connect', () => { socket.off('error', reject); resolve(socket); });
    socket.once('error', reject);
  });
}
