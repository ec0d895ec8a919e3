// Telling protocols by first bytes: which inspectors a listener has, on which ports they must not wait, and for how long they do. Where the server speaks first a client says
// nothing, so no listener may wait for ever.
import type { Listener } from '../../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { ListenerFilter, ListenerFilterChainMatchPredicate } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { parseDuration } from '../../../shared/lib/index.ts';
import { isDetected, isTls } from '../../model/protocol.ts';
import type { Protocol } from '../../model/records.ts';
import type { ProxyView } from '../proxy-view.ts';
import { milliseconds } from '../xds-values.ts';
import { HTTP_INSPECTOR, TLS_INSPECTOR } from './chains.ts';

/** Used where the mesh sets no time; without any, a client of a server that speaks first would hang. */
const DEFAULT_MILLISECONDS = 5000;

/** A client that says nothing in time is neither HTTP nor TLS; it is passed on as it is. */
export function detectionTimeout(view: ProxyView): Partial<Listener> {
  const configured = parseDuration(view.snapshot.meshConfig.protocolDetectionTimeout) ?? 0;
  return { listenerFiltersTimeout: milliseconds(configured > 0 ? configured : DEFAULT_MILLISECONDS), continueOnListenerFiltersTimeout: true };
}

/** The inspectors of a listener that serves one outbound port, with their time; none where the port's declared protocol says it all. */
export function outboundInspection(view: ProxyView, protocol: Protocol): Partial<Listener> {
  if (isDetected(protocol)) return { listenerFilters: [TLS_INSPECTOR, HTTP_INSPECTOR], ...detectionTimeout(view) };
  return isTls(protocol) ? { listenerFilters: [TLS_INSPECTOR], ...detectionTimeout(view) } : {};
}

/** `filter`, but not on these ports. */
export function exceptOn(filter: ListenerFilter, ports: readonly number[]): ListenerFilter {
  const rules = [...new Set(ports)].sort((left, right) => left - right).map((port): ListenerFilterChainMatchPredicate => ({ rule: { $case: 'destinationPortRange', destinationPortRange: { start: port, end: port + 1 } } }));
  const [only] = rules;
  if (!only) return filter;
  return { ...filter, filterDisabled: rules.length === 1 ? only : { rule: { $case: 'orMatch', orMatch: { rules } } } };
}
