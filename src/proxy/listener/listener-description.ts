// What the admin endpoint shows of listeners, as plain data.
import type { ListenerManager } from './listener-manager.ts';

/** One listener. */
export interface ListenerDescription {
  readonly name: string;
  readonly address: string;
  /** The port in use, which differs from the configured one when that is 0. */
  readonly port: number;
  readonly connections: number;
  readonly draining: boolean;
  readonly warmed: boolean;
}

/** Describes all listeners. */
export function describeListeners(manager: ListenerManager): ListenerDescription[] {
  return manager.all().map((listener) => {
    const { address } = listener.config;
    return {
      name: listener.config.name, address: address.kind === 'socket' ? address.address : `internal/${address.listener}`, port: listener.boundPort || (address.kind === 'socket' ? address.port : 0),
      connections: listener.connectionCount, draining: listener.draining, warmed: listener.warmed,
    };
  });
}
