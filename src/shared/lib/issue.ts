// What is wrong with something a user wrote: found by pure code, shown by webhooks, status conditions, the CLI and the console.

/** How much an issue matters: an error keeps the object out, a warning and an info do not. */
export type IssueLevel = 'error' | 'warning' | 'info';

/** Names the object an issue is about; `namespace` is absent for cluster-scoped objects. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** One finding in a user's input. */
export interface Issue {
  /** Stable code, for example `MESH_INVALID_WEIGHT` or an analyzer's `IST0101`. */
  readonly code: string;
  readonly level: IssueLevel;
  /** What is wrong and what to do about it, one sentence each. */
  readonly message: string;
  readonly object?: ObjectReference;
  /** Dotted path of the field, for example `spec.http[0].route[1].weight`. */
  readonly path?: string;
}

/** An error issue about the field at `path`. */
export function errorIssue(code: string, path: string, message: string): Issue {
  return { code, level: 'error', message, path };
}

/** A warning issue about the field at `path`. */
export function warningIssue(code: string, path: string, message: string): Issue {
  return { code, level: 'warning', message, path };
}

/** Whether any of `issues` keeps its object out. */
export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.level === 'error');
}

/** One line for a person: object, field, message. */
export function formatIssue(issue: Issue): string {
  const { object } = issue;
  const where = object ? `${object.kind} ${object.namespace ? `${object.namespace}/` : ''}${object.name}: ` : '';
  return `${where}${issue.path ? `${issue.path}: ` : ''}${issue.message}`;
}
