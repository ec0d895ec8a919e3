// What a host is chosen by: told by routers, shadows and TCP proxies for each request or connection, read by the balancers.
import type { Host } from './host.ts';

/** The facts of a request that enter the choice. */
export interface PickContext {
  /** Null when the route has no hash policy or no source of it gave one. */
  readonly hash: bigint | null;
  /** 0 for the first try. */
  readonly attempt: number;
  /** Hosts that were tried before, to be avoided. */
  readonly avoid: readonly Host[];
  /** Draws beyond the first to find a host that is not to be avoided. */
  readonly hostSelectionAttempts: number;
  /** `host:port` that the request names, for dynamic_forward_proxy. */
  readonly authority: string;
  /** `address:port` that the connection was made to, for original_dst. */
  readonly originalDestination: string;
  /** The route's metadata match, for clusters with subsets. */
  readonly metadataMatch?: Readonly<Record<string, string>> | null;
  /** Hosts to be taken before all others, by address, while they are there and not unhealthy; `strict` takes no other. */
  readonly override?: { readonly addresses: readonly string[]; readonly strict: boolean } | null | undefined;
  /** A header of the request. */
  readonly header?: (name: string) => string | undefined;
  /** The priority that an aggregate cluster has drawn already. */
  readonly priority?: { readonly priority: number; readonly degraded: boolean };
}
