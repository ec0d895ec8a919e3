// Role-based access control on requests: 403 for what no policy allows or one denies. Shadow rules are counted, and what they say
// is left in metadata, where an external authorization filter finds whether it is to ask.
import type { HttpFilterConfig, RbacRulesConfig } from '../../../config/filter-config.ts';
import { setDynamicMetadata } from '../../../stream/create-stream-info.ts';
import { compileRange } from '../../../net/address.ts';
import { compileAccessRules, shadowOutcome, undecidablePolicies, type AccessDecision, type AccessFacts } from '../../../route/access-rules.ts';
import type { FilterServices } from '../../services.ts';
import { compileOnce, overrideOf, type HttpFilterInstance } from '../api.ts';

const METADATA = 'envoy.filters.http.rbac';

type Decide = (facts: AccessFacts) => AccessDecision;

function compile(rules: RbacRulesConfig): Decide {
  return compileAccessRules(rules, compileRange);
}

/** Makes the filter. */
export function rbacFilter(config: Extract<HttpFilterConfig, { kind: 'rbac' }>, services: FilterServices): HttpFilterInstance {
  const own = config.rules ? compile(config.rules) : null;
  if (config.rules) services.stats.counter('http.rbac.undecidable_policies').add(undecidablePolicies(config.rules));
  const shadow = config.shadowRules ? compile(config.shadowRules) : null;
  const count = (what: string): void => services.stats.counter(`http.rbac.${what}`).add(1);
  return (callbacks, headers) => {
    const override = overrideOf(callbacks, config.name);
    let decide = own;
    if (override !== undefined) decide = 'kind' in override && override.kind === 'rbac' && override.rules ? compileOnce(override.rules, compile) : null;
    if (!decide && !shadow) return null;
    const facts: AccessFacts = { connection: callbacks.info.connection, headers, remoteIp: callbacks.remoteIp, filterState: callbacks.info.filterState, dynamicMetadata: callbacks.info.dynamicMetadata };
    if (shadow) {
      const outcome = shadow(facts);
      count(outcome.allowed ? 'shadow_allowed' : 'shadow_denied');
      setDynamicMetadata(callbacks.info, METADATA, shadowOutcome(config.shadowStatPrefix ?? '', outcome));
    }
    if (!decide) return null;
    const decision = decide(facts);
    count(decision.allowed ? 'allowed' : 'denied');
    if (decision.allowed) return null;
    return {
      decodeHeaders() {
        callbacks.sendLocalReply({ status: 403, body: 'RBAC: access denied', details: `rbac_access_denied_matched_policy[${decision.policy === '' ? 'none' : decision.policy}]` });
        return 'stop';
      },
    };
  };
}
