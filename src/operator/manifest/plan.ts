// What applying manifests would change: desired against live. Used before an apply, and by the command line to preview an upgrade.
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { GENERATION_ANNOTATION, GENERATION_LABEL } from './ownership.ts';
import type { Manifest } from './render.ts';

/** One object's fate. */
export interface PlannedChange {
  readonly action: 'create' | 'update' | 'delete' | 'unchanged';
  readonly component: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** Paths that differ, for an update. */
  readonly paths: readonly string[];
}

/** Identity of an object among all kinds. */
export function manifestKey(object: KubernetesObject): string {
  const group = object.apiVersion?.includes('/') ? object.apiVersion.split('/')[0] : '';
  return `${group}/${object.kind}/${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
}

/** Compares what is wanted with what is there; `live` holds this mesh's objects, all that may be deleted. */
export function planChanges(desired: readonly Manifest[], live: readonly KubernetesObject[]): PlannedChange[] {
  const present = new Map(live.map((object) => [manifestKey(object), object]));
  const wanted = new Set(desired.map(({ object }) => manifestKey(object)));
  const changes = desired.map(({ component, object }): PlannedChange => {
    const existing = present.get(manifestKey(object));
    const paths = existing ? differingPaths(object, existing).filter((path) => !isBookkeeping(path)) : [];
    return { action: existing ? (paths.length > 0 ? 'update' : 'unchanged') : 'create', component, ...identity(object), paths };
  });
  const deletions = live.filter((object) => !wanted.has(manifestKey(object)))
    .map((object): PlannedChange => ({ action: 'delete', component: object.metadata?.labels?.['app.kubernetes.io/component'] ?? '', ...identity(object), paths: [] }));
  return [...changes, ...deletions];
}

/** The generation's marks change on every object with every edit; a person who previews an upgrade wants to see what else does. */
function isBookkeeping(path: string): boolean {
  return path.endsWith(`.${GENERATION_LABEL}`) || path.endsWith(`.${GENERATION_ANNOTATION}`);
}

function identity(object: KubernetesObject): Pick<PlannedChange, 'apiVersion' | 'kind' | 'namespace' | 'name'> {
  const { namespace, name = '' } = object.metadata ?? {};
  return { apiVersion: object.apiVersion ?? '', kind: object.kind ?? '', ...(namespace ? { namespace } : {}), name };
}

/** Paths of `desired` whose value is not what `live` has; fields that only `live` has are the server's or another's. */
export function differingPaths(desired: unknown, live: unknown, path = ''): string[] {
  if (Array.isArray(desired)) {
    if (!Array.isArray(live) || live.length !== desired.length) return [path];
    return desired.flatMap((item, index) => differingPaths(item, live[index], `${path}[${index}]`));
  }
  if (typeof desired === 'object' && desired !== null) {
    if (typeof live !== 'object' || live === null) return Object.keys(desired).length === 0 && live === undefined ? [] : [path];
    return Object.entries(desired).flatMap(([key, value]) => (value === undefined ? [] : differingPaths(value, (live as Record<string, unknown>)[key], path ? `${path}.${key}` : key)));
  }
  return Object.is(desired, live) || String(desired) === String(live ?? '') ? [] : [path];
}
