// Small pure pieces that depend on nothing.
export { Backoff, type BackoffOptions } from './backoff.ts';
export { deepEqual } from './deep-equal.ts';
export { errorIssue, formatIssue, hasErrors, warningIssue, type Issue, type IssueLevel, type ObjectReference } from './issue.ts';
export { err, ok, type Result } from './result.ts';
export { Secret } from './secret.ts';
export { Table, type ReadonlyTable } from './table.ts';
