// What a request tells the cluster that chooses a host for it.
import type { Cluster } from '../../../cluster/cluster.ts';
import type { Host } from '../../../cluster/host.ts';
import type { PickContext } from '../../../cluster/pick-context.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { SelectedRoute } from '../../../route/route-table.ts';
import type { StreamCallbacks } from '../api.ts';
import type { RetryState } from './retry-state.ts';

/** Key of filter state in which the stateful session filter leaves the hosts of a session, behind `!` when no other will do. */
const OVERRIDE_HOST_STATE = 'mizzen.override_host';
const NO_HOSTS: readonly Host[] = [];

/** Facts of a request that a router holds. */
export interface RequestFacts {
  readonly selected: SelectedRoute | null;
  readonly headers: RequestHeaders | null;
  readonly hash: bigint | null;
  readonly tried: readonly Host[];
  readonly retry: RetryState | null;
}

/** The context of a choice among the hosts of `cluster`. */
export function hostChoice(cluster: Cluster, { info, originalDestination }: StreamCallbacks, { selected, headers, hash, tried, retry }: RequestFacts): PickContext {
  const action = selected?.route.config.action;
  return {
    hash, attempt: tried.length, avoid: retry?.policy.avoidPreviousHosts ? tried : NO_HOSTS, hostSelectionAttempts: retry?.policy.hostSelectionAttempts ?? 1, authority: headers?.authority ?? '', originalDestination,
    metadataMatch: selected?.cluster?.config.metadataMatch ?? (action?.kind === 'route' ? action.metadataMatch : null) ?? null, override: overrideHost(info.filterState.get(OVERRIDE_HOST_STATE)),
    ...(cluster.config.originalDestination.header === null ? {} : { header: (name: string) => headers?.get(name) }),
  };
}

function overrideHost(state: string | undefined): PickContext['override'] {
  if (state === undefined) return null;
  const strict = state.startsWith('!');
  return { addresses: (strict ? state.slice(1) : state).split(','), strict };
}
