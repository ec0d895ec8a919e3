// Conditions of a status: each type has one writer, and lastTransitionTime moves only when the status value does (API conventions).
import type { Condition } from '../api/meta/index.ts';

/** The list with `condition` set: in place of the one of its type, or at the end. The time of the last transition is kept while `status` stays the same. */
export function setCondition(conditions: readonly Condition[] | undefined, condition: Omit<Condition, 'lastTransitionTime'>, now: Date = new Date()): Condition[] {
  const list = [...(conditions ?? [])];
  const index = list.findIndex(({ type }) => type === condition.type);
  const present = list[index];
  const same = present?.status === condition.status && present.lastTransitionTime !== undefined;
  const next: Condition = { ...condition, lastTransitionTime: same ? present.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, 'Z') };
  if (index === -1) list.push(next);
  else list[index] = next;
  return list;
}

/** The condition of a type. */
export function getCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition of a type is True. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return getCondition(conditions, type)?.status === 'True';
}
