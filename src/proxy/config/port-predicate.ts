// Conditions on ports (envoy.config.listener.v3.ListenerFilterChainMatchPredicate), compiled and asked.
import type { ListenerFilterChainMatchPredicate } from '../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import type { PortPredicateConfig } from './runtime-config.ts';

/** The condition of a message; one that is empty matches nothing. */
export function portPredicate({ rule }: ListenerFilterChainMatchPredicate): PortPredicateConfig {
  switch (rule?.$case) {
    case 'orMatch': return { kind: 'or', rules: (rule.orMatch.rules ?? []).map(portPredicate) };
    case 'andMatch': return { kind: 'and', rules: (rule.andMatch.rules ?? []).map(portPredicate) };
    case 'notMatch': return { kind: 'not', rule: portPredicate(rule.notMatch) };
    case 'destinationPortRange': return { kind: 'range', start: rule.destinationPortRange.start ?? 0, end: rule.destinationPortRange.end ?? 0 };
    default: return { kind: 'any', matches: rule?.anyMatch ?? false };
  }
}

/** Whether `port` meets the condition; the end of a range is not in it. */
export function portMatches(predicate: PortPredicateConfig | undefined, port: number): boolean {
  switch (predicate?.kind) {
    case undefined: return false;
    case 'any': return predicate.matches;
    case 'range': return port >= predicate.start && port < predicate.end;
    case 'not': return !portMatches(predicate.rule, port);
    case 'and': return predicate.rules.every((rule) => portMatches(rule, port));
    case 'or': return predicate.rules.some((rule) => portMatches(rule, port));
  }
}
