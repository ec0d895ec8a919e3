// Changes headers of requests and responses as the configuration of the chain and then those of the route say (envoy.filters.http.header_mutation).
import type { HeaderMutationConfig } from '../../../config/small-filter-config.ts';
import { compileMutations, mutateRequest, mutateResponse, type CompiledMutations } from '../../../route/header-mutations.ts';
import { filterOverrides } from '../../../route/route-table.ts';
import { compileOnce, type HttpFilterInstance } from '../api.ts';

function compile({ changes }: HeaderMutationConfig): readonly CompiledMutations[] {
  return changes.map(compileMutations).filter((change) => change !== null);
}

/** Makes the filter. */
export function headerMutationFilter(config: HeaderMutationConfig & { readonly name: string }): HttpFilterInstance {
  const own = compile(config);
  return (callbacks) => {
    const selected = callbacks.route();
    const overrides = selected ? filterOverrides(selected, config.name) : [];
    const nearest = overrides.at(-1);
    if (nearest && 'disabled' in nearest) return null;
    const levels = overrides.filter((override): override is HeaderMutationConfig => 'kind' in override && override.kind === 'header_mutation').map((override) => compileOnce(override, compile));
    if (!config.mostSpecificWins) levels.reverse();
    const changes = [...own, ...levels.flat()];
    if (changes.length === 0) return null;
    return {
      decodeHeaders(headers) {
        mutateRequest(changes, headers, callbacks.info);
        return 'continue';
      },
      encodeHeaders(headers) {
        callbacks.info.responseCode = headers.status;
        mutateResponse(changes, headers, callbacks.info, callbacks.requestHeaders);
      },
    };
  };
}
