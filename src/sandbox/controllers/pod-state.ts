// Questions about a pod that several controllers ask, and the pods they make.
import { createHash, randomInt } from 'node:crypto';
import type { StoredObject } from '../api-server/internal-client.ts';
import { controllerReference } from './controller.ts';

const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** Whether the pod's Ready condition holds. */
export function isReady(pod: StoredObject): boolean {
  return condition(pod, 'Ready')?.status === 'True';
}

/** A condition of an object's status. */
export function condition(object: StoredObject, type: string): { status: string; lastTransitionTime?: string; reason?: string; message?: string; lastUpdateTime?: string } | undefined {
  return object.status?.conditions?.find((entry: { type: string }) => entry.type === type);
}

/** Whether the pod has ended for good. */
export function isTerminal(pod: StoredObject): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether the pod counts towards its controller's replicas. */
export function isActive(pod: StoredObject): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** How long until the pod has been ready for `minReadySeconds`: 0 when it has, undefined when it is not ready. */
export function millisecondsToAvailable(pod: StoredObject, minReadySeconds: number): number | undefined {
  const ready = condition(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds <= 0) return 0;
  return Math.max(0, Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000 - Date.now());
}

/** A pod after a template, controlled by `owner`. */
export function podFromTemplate(owner: StoredObject, template: StoredObject['spec'], name: string, labels: Record<string, string> = {}): StoredObject {
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name, namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels, ...labels },
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ...(template.metadata?.finalizers ? { finalizers: template.metadata.finalizers } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  } as StoredObject;
}

/** Five letters that make a generated name unique, from the alphabet that spells no words. */
export function nameSuffix(): string {
  return Array.from({ length: 5 }, () => NAME_LETTERS[randomInt(NAME_LETTERS.length)]).join('');
}

/** A short hash of plain data, for labels and names. */
export function shortHash(data: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(canonical(data))).digest();
  return Array.from(digest.subarray(0, 10), (byte) => NAME_LETTERS[byte % NAME_LETTERS.length]).join('');
}

function canonical(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(canonical);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, canonical(value)]));
}

/** An absolute number from a number or a percentage of `total`. */
export function resolveCount(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (!value.endsWith('%')) return Number(value);
  const exact = (Number(value.slice(0, -1)) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** The present time as Kubernetes writes it. */
export function timestamp(milliseconds: number = Date.now()): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The conditions with one set; its transition time moves only when its status does. */
export function withCondition(conditions: readonly StoredObject['status'][] | undefined, next: { type: string; status: string; reason: string; message: string; [extra: string]: unknown }): StoredObject['status'][] {
  const present = conditions?.find((entry) => entry.type === next.type);
  const lastTransitionTime = present?.status === next.status ? present.lastTransitionTime : timestamp();
  return [...(conditions ?? []).filter((entry) => entry.type !== next.type), { ...next, lastTransitionTime }];
}
