// Istio's objects, parsed once: what does not parse or validate stays out, and its last valid version stays in force.
import { ISTIO_KINDS, type IstioKind, type IstioObject } from '../../shared/api/istio-kinds.ts';
import { objectKey, type KubernetesObject } from '../../shared/api/meta/index.ts';
import { hasErrors, Table, type Issue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';

const rejected = programMetrics.gauge('pilot_invalid_config_objects', 'Objects whose present version is invalid and not in force.');

/** Valid objects and issues, both by `Kind/namespace/name`. */
export class ConfigTable {
  readonly #objects = new Table<string, IstioObject>();
  readonly #issues = new Table<string, readonly Issue[]>();
  readonly #log = createLogger('ingest');

  /** The objects in force. */
  get objects(): ReadonlyTable<string, IstioObject> {
    return this.#objects;
  }

  /** What is wrong with the present version of an object; no entry means nothing is. */
  get issues(): ReadonlyTable<string, readonly Issue[]> {
    return this.#issues;
  }

  /** Takes the present version of an object. */
  put(kind: IstioKind, raw: KubernetesObject): void {
    const key = configKey(kind, raw);
    const { object, issues } = checkConfig(kind, raw);
    const news = issues.length > 0 ? this.#issues.set(key, issues) : this.#issues.delete(key);
    if (object) this.#objects.set(key, object as IstioObject);
    else if (news) this.#log.warn({ object: key, issues: issues.map(({ path, message }) => ({ path, message })), lastValid: this.#objects.has(key) }, 'invalid object is not in force');
    rejected.set({}, [...this.#issues.values()].filter(hasErrors).length);
  }

  /** Forgets an object that was deleted. */
  remove(kind: IstioKind, key: string): void {
    this.#objects.delete(`${kind.kind}/${key}`);
    this.#issues.delete(`${kind.kind}/${key}`);
    rejected.set({}, [...this.#issues.values()].filter(hasErrors).length);
  }
}

/** Parses and validates `raw`: the object when nothing forbids it, and every finding. Status and version marks are left out, as they change without meaning. */
export function checkConfig(kind: IstioKind, raw: KubernetesObject): { readonly object?: KubernetesObject; readonly issues: readonly Issue[] } {
  const reference = { kind: kind.kind, name: raw.metadata?.name ?? '', ...(raw.metadata?.namespace ? { namespace: raw.metadata.namespace } : {}) };
  const { status: _status, ...meaning } = raw as KubernetesObject & { status?: unknown };
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = raw.metadata ?? {};
  const parsed = kind.schema.safeParse({ spec: {}, ...meaning, metadata });
  if (!parsed.success) {
    return { issues: parsed.error.issues.map(({ path, message }) => ({ code: 'IST0106', level: 'error' as const, path: formatPath(path), message, object: reference })) };
  }
  const issues = kind.validate(parsed.data).map((issue) => ({ ...issue, object: reference }));
  return hasErrors(issues) ? { issues } : { object: parsed.data, issues };
}

/** The row of a kind by its name. */
export function istioKind(kind: string, group?: string): IstioKind | undefined {
  return ISTIO_KINDS.find((row) => row.kind === kind && (group === undefined || row.group === group));
}

function configKey(kind: IstioKind, object: KubernetesObject): string {
  return `${kind.kind}/${objectKey(object)}`;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text === '' ? '' : `${text}.`}${String(part)}`), '');
}
