// Picks any host with equal chance (weights are not looked at, as in Envoy).
import type { Host } from '../host.ts';
import type { Picker } from './picker.ts';

/** A random picker. */
export function randomPicker(hosts: readonly Host[], random: () => number): Picker {
  return () => hosts[Math.floor(random() * hosts.length)] ?? null;
}
