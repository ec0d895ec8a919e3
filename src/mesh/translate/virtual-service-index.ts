// Which VirtualService holds for a host, without going through all of them for every service: made once for each list of VirtualServices and kind of route.
import { isWildcard, mostSpecificMatch } from '../model/host-name.ts';
import type { VirtualServiceRecord } from '../model/snapshot.ts';

/** Kinds of routes that a VirtualService may have; each is looked up on its own. */
export type RouteKind = 'http' | 'tcp' | 'tls';

interface Index {
  readonly exact: ReadonlyMap<string, VirtualServiceRecord>;
  readonly wildcards: readonly { readonly pattern: string; readonly record: VirtualServiceRecord }[];
}

const indexes = new WeakMap<readonly VirtualServiceRecord[], Map<RouteKind, Index>>();

/** The one of `records` in force for a host: most specific host first, then the oldest. Only records with routes of the kind count. */
export function virtualServiceFor(records: readonly VirtualServiceRecord[], kind: RouteKind, host: string): VirtualServiceRecord | undefined {
  const { exact, wildcards } = indexOf(records, kind);
  return exact.get(host) ?? mostSpecificMatch(wildcards, ({ pattern }) => pattern, host)?.record;
}

function indexOf(records: readonly VirtualServiceRecord[], kind: RouteKind): Index {
  let kinds = indexes.get(records);
  if (!kinds) indexes.set(records, (kinds = new Map()));
  let index = kinds.get(kind);
  if (!index) kinds.set(kind, (index = makeIndex(records, kind)));
  return index;
}

function makeIndex(records: readonly VirtualServiceRecord[], kind: RouteKind): Index {
  const exact = new Map<string, VirtualServiceRecord>();
  const wildcards: { pattern: string; record: VirtualServiceRecord }[] = [];
  for (const record of records) {
    if (!record.spec[kind]?.length) continue;
    for (const pattern of record.spec.hosts ?? []) {
      if (isWildcard(pattern)) wildcards.push({ pattern, record });
      else if (!exact.has(pattern)) exact.set(pattern, record);
    }
  }
  return { exact, wildcards };
}
