// Role-based access control on connections: one that is denied is closed before a byte of it is read further.
import type { NetworkRbacConfig } from '../../../config/filter-config.ts';
import { compileRange } from '../../../net/address.ts';
import { compileAccessRules, undecidablePolicies } from '../../../route/access-rules.ts';
import { NO_METADATA } from '../../../route/metadata-matcher.ts';
import type { NetworkFilter, NetworkFilterPlace } from '../api.ts';

const NO_STATE: ReadonlyMap<string, string> = new Map();

/** Makes the filter; null when there is no rule. */
export function networkRbacFilter(config: NetworkRbacConfig, { services }: NetworkFilterPlace): NetworkFilter | null {
  if (!config.rules) return null;
  const decide = compileAccessRules(config.rules, compileRange);
  services.stats.counter(`${config.statPrefix}rbac.undecidable_policies`).add(undecidablePolicies(config.rules));
  const allowed = services.stats.counter(`${config.statPrefix}rbac.allowed`);
  const denied = services.stats.counter(`${config.statPrefix}rbac.denied`);
  return {
    onConnection(connection, next) {
      const { info } = connection;
      const remoteIp = info.remoteAddress.slice(0, info.remoteAddress.lastIndexOf(':')).replace(/^\[|\]$/g, '');
      if (decide({ connection: info, headers: null, remoteIp, filterState: NO_STATE, dynamicMetadata: NO_METADATA }).allowed) {
        allowed.add(1);
        next();
        return;
      }
      denied.add(1);
      connection.socket.destroy();
    },
  };
}
