// Where the sandbox still answers otherwise than kube-apiserver: by scenario, the numbers of the answers in its transcript. `node test/contract/list-differences.ts`
// prints what each difference is, and with --numbers these rows. The contract's test fails for a difference that is not here, and for a row here that is none any more.
import type { Entry } from './transcript.ts';

// Why they are there:
// - rules 17: the cost of CEL rules is not estimated, so a rule that could take too long is accepted.
// - protobuf 14: the real server breaks off the connection (a fault of its own) when a custom object comes in protobuf form; a clear refusal serves everybody better.

/** Numbers of the answers that differ, by scenario. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, readonly number[]>> = {
  'rules': [17],
  'protobuf': [14],
};

/** What /version says of the program itself: the sandbox is no build of Kubernetes and does not claim to be one. All else of /version is compared. */
const OWN_FIELDS: readonly string[] = ['gitVersion', 'gitCommit', 'compiler', 'goVersion'];

/** The answers without what is each server's own. */
export function withoutOwnFields(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => (entry.request === 'GET /version' && typeof entry.body === 'object' && entry.body !== null ? { ...entry, body: Object.fromEntries(Object.entries(entry.body).map(([name, value]) => [name, OWN_FIELDS.includes(name) ? '<own>' : value])) } : entry));
}
