// Weight of a host that became usable a short while ago: it grows to the whole over a window, so that a cold process is not met by its full share.
import type { SlowStartConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';

/** Whether any host is still warming up. */
export function anyWarming(hosts: readonly Host[], config: SlowStartConfig | null, now: number): boolean {
  return config !== null && hosts.some((host) => isWarming(host, config, now));
}

function isWarming(host: Host, { windowMilliseconds }: SlowStartConfig, now: number): boolean {
  return host.healthy && now - host.usableSinceMilliseconds < windowMilliseconds;
}

/** `weight` as long as the host is not warming up, else a part of it. */
export function warmedWeight(weight: number, host: Host, config: SlowStartConfig | null, now: number): number {
  if (!config || !isWarming(host, config, now)) return weight;
  const time = Math.max(1, now - host.usableSinceMilliseconds) / config.windowMilliseconds;
  const factor = config.aggression === 1 ? time : time ** (1 / config.aggression);
  return weight * Math.max(factor, config.minimumPercent / 100);
}
