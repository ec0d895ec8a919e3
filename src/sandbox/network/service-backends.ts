// Which addresses a Service's port leads to now, out of its EndpointSlices; asked by the service proxy per connection.
import type { StoredObject } from '../api-server/internal-client.ts';

/** One address that a service port may be served by. */
export interface Backend {
  readonly address: string;
  readonly port: number;
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

/** The backends of each port of a service, by port name: the ready ones or, when there is none, those that still serve while they end. */
export function backendsByPort(slices: readonly StoredObject[]): Map<string, Backend[]> {
  const ready = new Map<string, Backend[]>();
  const lastResort = new Map<string, Backend[]>();
  for (const slice of slices) {
    for (const port of slice['ports'] ?? []) {
      for (const endpoint of (slice['endpoints'] ?? []) as Endpoint[]) {
        const target = (endpoint.conditions?.ready ?? true) ? ready : endpoint.conditions?.serving && endpoint.conditions.terminating ? lastResort : undefined;
        const address = endpoint.addresses[0];
        if (!target || address === undefined || typeof port.port !== 'number') continue;
        const name = port.name ?? '';
        const list = target.get(name) ?? [];
        list.push({ address, port: port.port });
        target.set(name, list);
      }
    }
  }
  for (const [name, list] of lastResort) if (!ready.has(name)) ready.set(name, list);
  return ready;
}
