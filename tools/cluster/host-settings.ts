// The one kind of kernel setting that has no namespace and is too low for several nodes on many machines: how much may be watched in file systems.
// It is raised while clusters run, and put back with the last of them.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../toolchain/exclusive.ts';
import { STATE_ROOT } from './layout.ts';

const NEEDED: Readonly<Record<string, number>> = { 'fs/inotify/max_user_instances': 8192, 'fs/inotify/max_user_watches': 524_288 };
const SAVED = join(STATE_ROOT, 'host-settings.json');

/** Raises the settings that are too low; what they were is written down first. */
export function raiseHostSettings(): void {
  const present = Object.fromEntries(Object.keys(NEEDED).map((name) => [name, Number(readFileSync(`/proc/sys/${name}`, 'utf8'))]));
  const low = Object.entries(NEEDED).filter(([name, value]) => (present[name] ?? 0) < value);
  if (low.length === 0) return;
  if (textOf(SAVED) === undefined) writeFileSync(SAVED, JSON.stringify(present));
  for (const [name, value] of low) writeFileSync(`/proc/sys/${name}`, String(value));
}

/** Puts the settings back. */
export function restoreHostSettings(): void {
  const saved = textOf(SAVED);
  if (saved === undefined) return;
  for (const [name, value] of Object.entries(JSON.parse(saved) as Record<string, number>)) writeFileSync(`/proc/sys/${name}`, String(value));
  rmSync(SAVED, { force: true });
}
