// Chooses the filter chain of a connection in Envoy's order of criteria. At each step only the most specific group stays, and there is no way back: a
// connection that fails a later step gets the default chain or is closed.
import type { FilterChainConfig, FilterChainMatchConfig, ListenerConfig } from '../config/runtime-config.ts';
import { compileRange, isLoopback, type AddressRange } from '../net/address.ts';

/** What a chain is chosen by. */
export interface ConnectionFacts {
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
  readonly transportProtocol: 'tls' | 'raw_buffer';
  readonly applicationProtocols: readonly string[];
  readonly sourceAddress: string;
  readonly sourcePort: number;
}

interface Candidate { readonly chain: FilterChainConfig; readonly destination: readonly AddressRange[]; readonly directSource: readonly AddressRange[]; readonly source: readonly AddressRange[] }

/** How well a candidate fits at one step: higher is more specific, -1 does not fit. */
type Step = (match: FilterChainMatchConfig, facts: ConnectionFacts, candidate: Candidate) => number;

function rangeFit(ranges: readonly AddressRange[], address: string): number {
  if (ranges.length === 0) return 0;
  let best = -1;
  for (const range of ranges) if (range.contains(address)) best = Math.max(best, range.prefixLength + 1);
  return best;
}

function serverNameFit(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 0;
  let best = -1;
  for (const name of names) {
    if (name === serverName && serverName !== '') return 1_000_000;
    if (name.startsWith('*.') && serverName.endsWith(name.slice(1)) && serverName.length > name.length - 1) best = Math.max(best, name.length);
  }
  return best;
}

const STEPS: readonly Step[] = [
  (match, facts) => (match.destinationPort === null ? 0 : match.destinationPort === facts.destinationPort ? 1 : -1),
  (_match, facts, candidate) => rangeFit(candidate.destination, facts.destinationAddress),
  (match, facts) => serverNameFit(match.serverNames, facts.serverName),
  (match, facts) => (match.transportProtocol === '' ? 0 : match.transportProtocol === facts.transportProtocol ? 1 : -1),
  (match, facts) => (match.applicationProtocols.length === 0 ? 0 : match.applicationProtocols.some((protocol) => facts.applicationProtocols.includes(protocol)) ? 1 : -1),
  (_match, facts, candidate) => rangeFit(candidate.directSource, facts.sourceAddress),
  (match, facts) => {
    if (match.sourceType === 'any') return 0;
    const local = isLoopback(facts.sourceAddress) || facts.sourceAddress === facts.destinationAddress;
    return local === (match.sourceType === 'same_ip_or_loopback') ? 1 : -1;
  },
  (_match, facts, candidate) => rangeFit(candidate.source, facts.sourceAddress),
  (match, facts) => (match.sourcePorts.length === 0 ? 0 : match.sourcePorts.includes(facts.sourcePort) ? 1 : -1),
];

/** Compiles the chains of a listener to a choice; null when the connection is to be closed. */
export function compileFilterChainMatch(listener: ListenerConfig): (facts: ConnectionFacts) => FilterChainConfig | null {
  const candidates: Candidate[] = listener.filterChains.map((chain) => ({
    chain, destination: chain.match.destinationRanges.map(compileRange), directSource: chain.match.directSourceRanges.map(compileRange), source: chain.match.sourceRanges.map(compileRange),
  }));
  return (facts) => {
    let left = candidates;
    for (const step of STEPS) {
      if (left.length === 0) break;
      left = mostSpecific(left, step, facts);
    }
    return left[0]?.chain ?? listener.defaultFilterChain;
  };
}

function mostSpecific(candidates: readonly Candidate[], step: Step, facts: ConnectionFacts): Candidate[] {
  let best = 0;
  let group: Candidate[] = [];
  for (const candidate of candidates) {
    const fit = step(candidate.chain.match, facts, candidate);
    if (fit > best) {
      best = fit;
      group = [candidate];
    } else if (fit === best) group.push(candidate);
  }
  return group;
}
