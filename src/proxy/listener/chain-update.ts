// What becomes of a running connection when its listener changes: it goes on by the same chain's newer filters, or has to end.
import { deepEqual } from '../../shared/lib/index.ts';
import type { FilterChainConfig } from '../config/runtime-config.ts';
import type { NetworkFilter } from '../filters/network/api.ts';

/** A chain with its filters made. */
interface ChainInUse {
  readonly config: FilterChainConfig;
  readonly filters: readonly NetworkFilter[];
}

/**
 * The chain of `candidates` that a connection of `chain` goes on with; undefined when it must be drained. A connection goes on when the chain is still there under
 * its name and match, asks for the same TLS and starts with the same connection-level filters; the last filter then hands its next requests to its successor.
 */
export function carryOver<C extends ChainInUse>(chain: C, candidates: readonly C[]): C | undefined {
  const next = candidates.find(({ config }) => config.name === chain.config.name && deepEqual(config.match, chain.config.match));
  if (!next) return undefined;
  if (deepEqual(next.config, chain.config)) return next;
  const last = chain.filters.at(-1);
  const successor = next.filters.at(-1);
  if (!last?.succeedBy || !successor?.succeedBy) return undefined;
  if (!deepEqual(next.config.tls, chain.config.tls) || !deepEqual(next.config.filters.slice(0, -1), chain.config.filters.slice(0, -1))) return undefined;
  last.succeedBy(successor);
  return next;
}
