// Role-based access control on connections: one that is denied is closed before a byte of it is read further.
import type { NetworkRbacConfig } from '../../../config/filter-config.ts';
import { compileRange } from '../../../net/address.ts';
import { compileAccessRules, shadowOutcome, undecidablePolicies, type AccessFacts } from '../../../route/access-rules.ts';
import { NO_METADATA } from '../../../route/metadata-matcher.ts';
import type { Counter } from '../../../stream/stats-store.ts';
import type { NetworkFilter, NetworkFilterPlace } from '../api.ts';

const METADATA = 'envoy.filters.network.rbac';
const NO_STATE: ReadonlyMap<string, string> = new Map();

/** Makes the filter; null when there is no rule. */
export function networkRbacFilter(config: NetworkRbacConfig, { services }: NetworkFilterPlace): NetworkFilter | null {
  const { rules, shadowRules, statPrefix, shadowStatPrefix = '' } = config;
  if (!rules && !shadowRules) return null;
  const count = (what: string): Counter => services.stats.counter(`${statPrefix}rbac.${what}`);
  const decide = rules ? compileAccessRules(rules, compileRange) : null;
  const shadow = shadowRules ? compileAccessRules(shadowRules, compileRange) : null;
  if (rules) count('undecidable_policies').add(undecidablePolicies(rules));
  return {
    onConnection(connection, next) {
      const { info } = connection;
      const remoteIp = info.remoteAddress.slice(0, info.remoteAddress.lastIndexOf(':')).replace(/^\[|\]$/g, '');
      const facts: AccessFacts = { connection: info, headers: null, remoteIp, filterState: NO_STATE, dynamicMetadata: connection.dynamicMetadata ?? NO_METADATA };
      if (shadow) {
        const outcome = shadow(facts);
        count(outcome.allowed ? 'shadow_allowed' : 'shadow_denied').add(1);
        connection.dynamicMetadata = new Map(connection.dynamicMetadata).set(METADATA, { ...connection.dynamicMetadata?.get(METADATA), ...shadowOutcome(shadowStatPrefix, outcome) });
      }
      const allowed = decide?.(facts).allowed ?? true;
      if (decide) count(allowed ? 'allowed' : 'denied').add(1);
      if (allowed) next();
      else connection.socket.destroy();
    },
  };
}
