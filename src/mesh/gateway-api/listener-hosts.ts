// Which hosts a listener serves where several share a port: a request belongs to the listener with the most specific hostname
// that covers its host, whatever hosts the routes of the others have.
import { hostCovers, isWildcard } from '../model/host-name.ts';
import { isServed, type BoundGateway } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';

/** Whether `left` is the more specific of two hosts that both cover something: exact before wildcard, longer before shorter. */
export function isNarrower(left: string, right: string): boolean {
  return left !== right && hostCovers(right, left);
}

/** The other listeners that are served on a listener's port. */
export function neighbours(gateway: BoundGateway, listener: BoundListener): readonly BoundListener[] {
  return gateway.listeners.filter((other) => other !== listener && other.listener.port === listener.listener.port && isServed(gateway, other));
}

/** Whether requests for all of `host` belong to another listener. */
export function belongsElsewhere(others: readonly BoundListener[], listener: BoundListener, host: string): boolean {
  return others.some((other) => isNarrower(other.hostname, listener.hostname) && hostCovers(other.hostname, host));
}

/** Orders hosts from the most to the least specific. */
export function bySpecificity(left: string, right: string): number {
  return rank(right) - rank(left);
}

function rank(host: string): number {
  return isWildcard(host) ? host.length : Number.MAX_SAFE_INTEGER;
}
