// The proxy as a program's component: options in, a running agent and data plane out.
import { ok, type Result } from '../shared/lib/index.ts';
import type { Component } from '../shared/process/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import { createDataPlane } from './listener/index.ts';
import { readProxyOptions, type OptionSources, type ProxyOptions } from './options/index.ts';
import { ProxyProcess, type DataPlaneJoints, type RunningDataPlane } from './proxy-process.ts';

export { requestLocal, waitUntilReady } from './commands.ts';
export { HELP_TEXT, parseArguments, type OptionSources, type ProxyCommand, type ProxyOptions } from './options/index.ts';

/** A proxy made from flags, environment and files, with its options; or what is wrong with them. */
export function createProxy(sources: OptionSources): Result<{ readonly component: Component; readonly options: ProxyOptions }, string[]> {
  const options = readProxyOptions(sources);
  return options.ok ? ok({ component: new ProxyProcess(options.value, dataPlaneOf), options: options.value }) : options;
}

/** The data plane, as the agent uses it. */
function dataPlaneOf(joints: DataPlaneJoints): RunningDataPlane {
  const log = createLogger('data-plane');
  const dataPlane = createDataPlane({ ...joints, onBindError: ({ name, error }) => log.error({ listener: name, error }, 'listener is not bound; trying again') });
  return {
    apply: (config) => dataPlane.apply(config),
    isReady: () => dataPlane.isReady(),
    // The agent waits by its own rules; this only tells connections to finish.
    drain: (direction) => void dataPlane.drain({ ...(direction === 'inbound' || direction === 'outbound' ? { direction } : {}), timeoutMilliseconds: 0 }),
    close: () => dataPlane.close(),
    clusters: () => dataPlane.clusters(),
    listeners: () => dataPlane.listeners().map(({ name, address, port }) => ({ name, address: address.startsWith('internal/') ? address : `${address.includes(':') ? `[${address}]` : address}:${port}` })),
  };
}
