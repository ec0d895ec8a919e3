// Listeners that can not be told apart. The Gateway's own conflict with each other and lose both; those of ListenerSets come
// after them, the oldest set first, and the later one loses.
import type { BoundListener } from './bound-listener.ts';
import type { Fault } from './conditions.ts';

/** Protocols that share a port: those whose listeners are told apart by server name. */
const FAMILY: Readonly<Record<BoundListener['mode'], string>> = { http: 'http', https: 'tls', 'tls-terminate': 'tls', 'tls-passthrough': 'tls', tcp: 'tcp', unsupported: '' };

/** The conflicts by listener; `listeners` are all of one Gateway in order of precedence. */
export function listenerConflicts(listeners: readonly BoundListener[]): ReadonlyMap<BoundListener, Fault> {
  const conflicts = new Map<BoundListener, Fault>();
  const supported = listeners.filter(({ mode }) => mode !== 'unsupported');
  const own = supported.filter(({ set }) => set === undefined);
  for (const listener of own) {
    for (const other of own) {
      const fault = other === listener ? undefined : conflict(listener, other);
      if (fault) conflicts.set(listener, fault);
    }
  }
  const taken = own.filter((listener) => !conflicts.has(listener));
  for (const listener of supported) {
    if (listener.set === undefined) continue;
    const fault = taken.map((other) => conflict(listener, other)).find((found) => found !== undefined);
    if (fault) conflicts.set(listener, fault);
    else taken.push(listener);
  }
  return conflicts;
}

function conflict(listener: BoundListener, other: BoundListener): Fault | undefined {
  if (listener.listener.port !== other.listener.port) return undefined;
  const { port } = listener.listener;
  const name = other.set ? `${other.listener.name} of ListenerSet ${other.namespace}/${other.set.metadata.name}` : other.listener.name;
  if (FAMILY[listener.mode] !== FAMILY[other.mode]) return { reason: 'ProtocolConflict', message: `Port ${port} has the listener ${name} of protocol ${other.listener.protocol}. Use another port.` };
  if (listener.hostname !== other.hostname) return undefined;
  return { reason: listener.mode === 'tcp' ? 'ProtocolConflict' : 'HostnameConflict', message: `Port ${port} has the listener ${name} with the same hostname. Use another hostname or port.` };
}
