// What an analyzer says, in Istio's codes and levels, about one object of a snapshot.
import type { Issue, IssueLevel, ObjectReference } from '../../shared/lib/index.ts';
import type { ConfigRecord, MeshSnapshot } from '../model/snapshot.ts';

/** Looks at a snapshot for one kind of mistake. */
export interface Analyzer {
  /** Istio's codes that it may give. */
  readonly codes: readonly string[];
  analyze(snapshot: MeshSnapshot): readonly Issue[];
}

/** The reference to a record's object; its `source` is `kind/namespace/name`. */
export function referenceTo(record: Pick<ConfigRecord<unknown>, 'source' | 'namespace' | 'name'>): ObjectReference {
  return { kind: record.source.split('/')[0] ?? '', namespace: record.namespace, name: record.name };
}

/** An issue about a field of an object; `path` is empty when it is about the whole. */
export function finding(code: string, level: IssueLevel, object: ObjectReference, path: string, message: string): Issue {
  return { code, level, message, object, ...(path === '' ? {} : { path }) };
}
