// Every destination that a virtual service sends to, with the path of its field.
import type { VirtualServiceRecord } from '../model/snapshot.ts';

/** A destination as routes name it: host in full. */
export interface RoutedDestination {
  readonly host: string;
  readonly subset: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
}

/** The destinations of `record`, mirrors included. */
export function routedDestinations({ spec }: VirtualServiceRecord): RoutedDestination[] {
  const found: RoutedDestination[] = [];
  const add = (destination: { host: string; subset?: string | undefined; port?: { number: number } | undefined } | undefined, path: string): void => {
    if (destination) found.push({ host: destination.host, subset: destination.subset, port: destination.port?.number, path });
  };
  for (const [index, route] of (spec.http ?? []).entries()) {
    for (const [at, { destination }] of (route.route ?? []).entries()) add(destination, `spec.http[${index}].route[${at}].destination`);
    add(route.mirror, `spec.http[${index}].mirror`);
    for (const [at, { destination }] of (route.mirrors ?? []).entries()) add(destination, `spec.http[${index}].mirrors[${at}].destination`);
  }
  for (const kind of ['tls', 'tcp'] as const) {
    for (const [index, route] of (spec[kind] ?? []).entries()) for (const [at, { destination }] of (route.route ?? []).entries()) add(destination, `spec.${kind}[${index}].route[${at}].destination`);
  }
  return found;
}
