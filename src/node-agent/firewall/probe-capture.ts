// Tries with a real connection whether a network namespace is captured, as `istio-iptables --run-validation` does: the check of pods whose rules someone else makes.
import { createServer, connect, type Server } from 'node:net';
import { FirewallError } from './run-program.ts';

/** What is tried. */
export interface ProbeOptions {
  readonly inboundPort: number;
  readonly probePort: number;
  readonly timeoutMilliseconds: number;
  /** An address of this namespace that is not 127.0.0.1: what the proxy sends there is redirected to its inbound port. */
  readonly address: string;
}

/** The address of the proxy's own inbound connections, which every namespace has. */
export const PROBE_ADDRESS = '127.0.0.6';

/**
 * Connects to the probe port; throws when the connection is not redirected to the inbound port. Must run as the proxy's user, whose loopback traffic the rules redirect,
 * and before the proxy, whose port it takes.
 */
export async function probeCapture({ inboundPort, probePort, timeoutMilliseconds, address }: ProbeOptions): Promise<void> {
  const any = address.includes(':') ? '::' : '0.0.0.0';
  // Each listener says which it is, so that an answer from the wrong one is told from none.
  const listeners = await Promise.all([listen(any, inboundPort, 'captured'), listen(any, probePort, 'plain')]);
  try {
    const answer = await ask(address, probePort, timeoutMilliseconds);
    if (answer !== 'captured') throw new FirewallError(`a connection to ${address}:${probePort} was not redirected to port ${inboundPort}: this pod's traffic is not captured`);
  } finally {
    await Promise.all(listeners.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(host: string, port: number, name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined); // a client that is gone has its answer or its time-out
      socket.end(name);
    });
    server.once('error', (error) => reject(new FirewallError(`port ${port} cannot be listened on: ${error.message}`)));
    server.listen(port, host, () => resolve(server));
  });
}

function ask(host: string, port: number, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let answer = '';
    socket.setTimeout(timeout, () => socket.destroy(new Error(`no answer within ${timeout} ms`)));
    socket.setEncoding('utf8').on('data', (text: string) => { answer += text; });
    socket.once('end', () => { socket.end(); resolve(answer); });
    socket.once('error', (error) => reject(new FirewallError(`the connection to ${host}:${port} that tries the capture failed: ${error.message}`)));
  });
}
