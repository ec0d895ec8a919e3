// The proxy as a program's component: options in, a running agent and data plane out.
import { networkInterfaces } from 'node:os';
import { describeError, err, ok, type Result } from '../shared/lib/index.ts';
import type { Component } from '../shared/process/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import { createDataPlane } from './listener/index.ts';
import { EnvoyAgent } from './envoy-agent.ts';
import type { OriginalDestination } from './net/original-destination.ts';
import { redirectedDestination } from './net/redirected-destination.ts';
import { loadSocketCalls } from './net/socket-calls.ts';
import { transparentSockets, type TransparentSockets } from './net/transparent-sockets.ts';
import { readProxyOptions, type OptionSources, type ProxyOptions } from './options/index.ts';
import { ProxyProcess, type DataPlaneJoints, type RunningDataPlane } from './proxy-process.ts';

export { requestLocal, waitUntilReady } from './commands.ts';
export { HELP_TEXT, parseArguments, type OptionSources, type ProxyCommand, type ProxyOptions } from './options/index.ts';

/** A proxy made from flags, environment and files, with its options; or what is wrong with them. */
export function createProxy(sources: OptionSources): Result<{ readonly component: Component; readonly options: ProxyOptions }, string[]> {
  const options = readProxyOptions({ interfaces: interfaceAddresses(), ...sources });
  if (!options.ok) return options;
  const result = options.value;
  if (result.envoyBinary !== '') return ok({ component: new EnvoyAgent(result, result.envoyBinary, endWithEnvoy), options: result });
  let captured: Captured;
  try {
    captured = captureOf(options.value);
  } catch (error) {
    return err([describeError(error)]);
  }
  return ok({ component: new ProxyProcess(options.value, (joints) => dataPlaneOf(joints, { ...captured, drainMilliseconds: result.drainMilliseconds, drainGraceMilliseconds: drainGrace(result) })), options: options.value });
}

/** Addresses of the machine's interfaces; IPv6 ones of one link only are left out. */
function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ scopeid = 0 }) => scopeid === 0).map(({ address }) => address));
}

/** Without its Envoy the agent has nothing left to serve; the container starts both again. */
function endWithEnvoy(how: string): void {
  createLogger('envoy-agent').error({ how }, 'Envoy ended by itself');
  process.exit(1);
}

interface Captured { readonly originalDestination?: OriginalDestination; readonly transparent?: TransparentSockets; readonly drainMilliseconds?: number; readonly drainGraceMilliseconds?: number }

/** Idle connections are closed well before the process ends, so that its end meets no request of theirs. */
function drainGrace({ exitOnZeroActiveConnections, minimumDrainMilliseconds, terminationDrainMilliseconds }: ProxyOptions): number {
  const drain = exitOnZeroActiveConnections ? minimumDrainMilliseconds : terminationDrainMilliseconds;
  return Math.min(3000, drain * 0.6);
}

/** What the data plane needs where the packet filter brings the pod's connections to this proxy. */
function captureOf({ role, metadata }: ProxyOptions): Captured {
  const mode = metadata['INTERCEPTION_MODE'];
  if (role !== 'sidecar' || (mode !== 'REDIRECT' && mode !== 'TPROXY')) return {};
  const calls = loadSocketCalls();
  return { originalDestination: redirectedDestination(calls), ...(mode === 'TPROXY' ? { transparent: transparentSockets(calls) } : {}) };
}

/** The data plane, as the agent uses it. */
function dataPlaneOf(joints: DataPlaneJoints, captured: Captured): RunningDataPlane {
  const log = createLogger('data-plane');
  const dataPlane = createDataPlane({ ...joints, ...captured, onBindError: ({ name, error }) => log.error({ listener: name, error }, 'listener is not bound; trying again') });
  return {
    apply: (config) => dataPlane.apply(config),
    isReady: () => dataPlane.isReady(),
    // The agent waits by its own rules; this only tells connections to finish.
    drain: (direction) => void dataPlane.drain({ ...(direction === 'inbound' || direction === 'outbound' ? { direction } : {}), timeoutMilliseconds: 0 }),
    finish: (timeoutMilliseconds) => dataPlane.finish(timeoutMilliseconds),
    close: () => dataPlane.close(),
    clusters: () => dataPlane.clusters(),
    listeners: () => dataPlane.listeners().map(({ name, address, port, connections }) => ({ name, connections, address: address.startsWith('internal/') ? address : `${address.includes(':') ? `[${address}]` : address}:${port}` })),
  };
}
