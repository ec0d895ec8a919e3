// Whether an edit of spec.version may be made: the admission webhook asks, and the reconciler asks again.
import { errorIssue, type Issue } from '../../shared/lib/index.ts';
import type { VersionRegistry } from './version-registry.ts';

/** Every reason why a control plane may not go from `from` to `to`; none when it may. */
export function checkVersionChange(registry: VersionRegistry, from: string, to: string): Issue[] {
  if (from === to) return [];
  const target = registry.find(to);
  const source = registry.find(from);
  if (!target || !source) return [];
  const names = registry.entries.map((entry) => entry.name);
  if (names.indexOf(to) < names.indexOf(from)) {
    if (target.upgradeFrom.includes(from)) return [];
    return [refusal('upgrade', from, to, `an upgrade to ${to} is possible from: ${target.upgradeFrom.join(', ') || 'no version'}`)];
  }
  if (source.downgradeTo.includes(to)) return [];
  return [refusal('downgrade', from, to, `from ${from} one can go back to: ${source.downgradeTo.join(', ') || 'no version'}`)];
}

function refusal(verb: string, from: string, to: string, why: string): Issue {
  return errorIssue('MESH_OP_VERSION_CHANGE', 'spec.version', `cannot ${verb} control plane from version ${from} to ${to}: ${why}`);
}
