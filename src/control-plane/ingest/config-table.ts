// Istio's objects, parsed once: what does not parse or validate stays out, and its last valid version stays in force.
import { ISTIO_KINDS, type IstioKind, type IstioObject } from '../../shared/api/istio-kinds.ts';
import { objectKey, type KubernetesObject } from '../../shared/api/meta/index.ts';
import { NOT_ENFORCED } from '../../shared/api/networking/validation-rules.ts';
import { unknownFields } from '../../shared/api/unknown-fields.ts';
import { errorIssue, hasErrors, Table, warningIssue, type Issue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';

// Found stored with a part that is not enforced (the webhook refuses such), these are still worth more than nothing: without the rest of a policy, or the TLS of a rule, the mesh would be more open.
const BETTER_IN_PART: ReadonlySet<string> = new Set(['AuthorizationPolicy', 'DestinationRule', 'Sidecar']);

const rejected = programMetrics.gauge('pilot_invalid_config_objects', 'Objects whose present version is invalid and not in force.');

/** Valid objects and issues, both by `Kind/namespace/name`. */
export class ConfigTable {
  readonly #objects = new Table<string, IstioObject>();
  readonly #issues = new Table<string, readonly Issue[]>();
  /** Objects in force although part of them is not enforced. */
  readonly #partial = new Set<string>();
  readonly #invalid = new Set<string>();
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
    const { object, partial, issues } = checkConfig(kind, raw);
    const news = issues.length > 0 ? this.#issues.set(key, issues) : this.#issues.delete(key);
    if (object) this.#accept(key, object, false);
    else if (partial && (!this.#objects.has(key) || this.#partial.has(key))) this.#accept(key, partial, true);
    if (news && !object) {
      const details = { object: key, issues: issues.map(({ path, message }) => ({ path, message })) };
      if (this.#partial.has(key)) this.#log.warn(details, 'the object is in force in part only');
      else this.#log.warn({ ...details, lastValid: this.#objects.has(key) }, 'invalid object is not in force');
    }
    this.#count(key, hasErrors(issues));
  }

  /** Forgets an object that was deleted. */
  remove(kind: IstioKind, key: string): void {
    const name = `${kind.kind}/${key}`;
    this.#objects.delete(name);
    this.#issues.delete(name);
    this.#partial.delete(name);
    this.#count(name, false);
  }

  #accept(key: string, object: KubernetesObject, partial: boolean): void {
    this.#objects.set(key, object as IstioObject);
    if (partial) this.#partial.add(key);
    else this.#partial.delete(key);
  }

  #count(key: string, invalid: boolean): void {
    if (invalid) this.#invalid.add(key);
    else this.#invalid.delete(key);
    rejected.set({}, this.#invalid.size);
  }
}

/** What is made of an object. */
export interface CheckedConfig {
  /** The object, when nothing forbids it. */
  readonly object?: KubernetesObject;
  /** The object when all that forbids it is that part of it is not enforced, and being in force in part keeps more out than being out of force. */
  readonly partial?: KubernetesObject;
  readonly issues: readonly Issue[];
}

/** Parses and validates `raw`, with every finding. Status and version marks are left out, as they change without meaning. */
export function checkConfig(kind: IstioKind, raw: KubernetesObject): CheckedConfig {
  const reference = { kind: kind.kind, name: raw.metadata?.name ?? '', ...(raw.metadata?.namespace ? { namespace: raw.metadata.namespace } : {}) };
  const { status: _status, ...meaning } = raw as KubernetesObject & { status?: unknown };
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = raw.metadata ?? {};
  const parsed = kind.schema.safeParse({ spec: {}, ...meaning, metadata });
  if (!parsed.success) {
    return { issues: parsed.error.issues.map(({ path, message }) => ({ code: 'IST0106', level: 'error' as const, path: formatPath(path), message, object: reference })) };
  }
  const issues = [...unknownFieldIssues(kind, meaning), ...kind.validate(parsed.data)].map((issue) => ({ ...issue, object: reference }));
  if (!hasErrors(issues)) return { object: parsed.data, issues };
  const partly = BETTER_IN_PART.has(kind.kind) && issues.every(({ level, code }) => level !== 'error' || code === NOT_ENFORCED);
  return partly ? { partial: parsed.data, issues } : { issues };
}

/** Fields that the schema does not name are left out of the parsed object. In a security object each of them may have been what narrows it, so it is an error there. */
function unknownFieldIssues(kind: IstioKind, { metadata: _metadata, ...meaning }: KubernetesObject): Issue[] {
  const make = kind.group === 'security.istio.io' ? errorIssue : warningIssue;
  return unknownFields(kind.schema, meaning, '').map((path) => make('MESH_UNKNOWN_FIELD', path.slice(1), 'The field is not known and has no effect. Check its spelling and where it stands, or remove it.'));
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
