// Profiles -> the effective spec: what the user left open is filled from the profiles, the last one named first,
// and from the profiles that those name. Lists are taken whole.
import { parse } from 'yaml';
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';

type Data = Readonly<Record<string, unknown>>;

/** The spec with every profile's fields filled in; `files` are the version's own, profiles at profiles/<name>.yaml. */
export function effectiveSpec(spec: ControlPlaneSpec, files: ReadonlyMap<string, string>): Result<ControlPlaneSpec, Issue[]> {
  const names = spec.profiles && spec.profiles.length > 0 ? spec.profiles : ['default'];
  const filled = fill(spec as Data, names, files, []);
  return filled.ok ? ok({ ...filled.value, profiles: [...names] } as ControlPlaneSpec) : filled;
}

function fill(spec: Data, names: readonly string[], files: ReadonlyMap<string, string>, path: readonly string[]): Result<Data, Issue[]> {
  let result = spec;
  for (const name of [...names].reverse()) {
    if (path.includes(name)) return err([profileIssue(`profile '${name}' names itself through ${[...path, name].join(' -> ')}`)]);
    const text = name.includes('/') ? undefined : files.get(`profiles/${name}.yaml`);
    if (text === undefined) return err([profileIssue(`profile '${name}' does not exist; there are: ${profileNames(files).join(', ')}`)]);
    const { profiles, ...own } = parse(text) as Data & { profiles?: string[] };
    result = mergeMissing(result, own);
    const deeper = fill(result, profiles ?? [], files, [...path, name]);
    if (!deeper.ok) return deeper;
    result = deeper.value;
  }
  return ok(result);
}

function profileIssue(message: string): Issue {
  return errorIssue('MESH_OP_PROFILE', 'spec.profiles', message);
}

function profileNames(files: ReadonlyMap<string, string>): string[] {
  return [...files.keys()].flatMap((path) => /^profiles\/(.+)\.yaml$/.exec(path)?.[1] ?? []).sort();
}

/** `over` with the fields of `under` that it lacks, at every depth. */
export function mergeMissing(over: Data, under: Data): Data {
  const result: Record<string, unknown> = { ...over };
  for (const [key, value] of Object.entries(under)) {
    const present = result[key];
    if (present === undefined || present === null) result[key] = value;
    else if (isData(present) && isData(value)) result[key] = mergeMissing(present, value);
  }
  return result;
}

/** Whether a value is a map. */
export function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
