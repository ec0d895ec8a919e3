// Small pure pieces that depend on nothing.
export { isAddressRange, isInterfaceName, isPortText } from './address-text.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export { decodeBase64, encodeBase64 } from './base64.ts';
export { deepEqual } from './deep-equal.ts';
export { describeError } from './describe-error.ts';
export { parseDuration } from './duration.ts';
export { errorIssue, formatIssue, hasErrors, warningIssue, type Issue, type IssueLevel, type ObjectReference } from './issue.ts';
export { err, ok, type Result } from './result.ts';
export { Secret } from './secret.ts';
export { Table, type ReadonlyTable } from './table.ts';
export { PLAIN_SCALAR_HELPER, checkBareExpressions, checkPlainScalar } from './template-safety.ts';
export { isAuthority, isConnectionHeader, isPathLiteral } from './wire-text.ts';
