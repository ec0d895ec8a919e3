// Refuses requests that change something and come from a page of another origin (envoy.filters.http.csrf): the origin, or else the referer, must be the host asked for or one of a list.
import type { CsrfConfig } from '../../../config/small-filter-config.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import { compileStringMatcher } from '../../../stream/string-matcher.ts';
import type { FilterServices } from '../../services.ts';
import { compileOnce, overrideOf, type HttpFilterInstance } from '../api.ts';

const CHANGING = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

/** Makes the filter; `statPrefix` is the connection manager's, with its dot. */
export function csrfFilter(config: CsrfConfig & { readonly name: string }, services: FilterServices, statPrefix: string): HttpFilterInstance {
  const count = (what: string): void => services.stats.counter(`${statPrefix}csrf.${what}`).add(1);
  const draw = (perMillion: number): boolean => perMillion > 0 && services.random() * 1_000_000 < perMillion;
  return (callbacks, headers) => {
    if (!CHANGING.has(headers.method)) return null;
    const override = overrideOf(callbacks, config.name);
    const policy: CsrfConfig | null = override === undefined ? config : 'kind' in override && override.kind === 'csrf' ? override : null;
    if (!policy) return null;
    const enabled = draw(policy.enabledPerMillion);
    if (!enabled && !draw(policy.shadowPerMillion)) return null;
    const outcome = judge(headers, policy);
    count(outcome);
    if (outcome === 'request_valid' || !enabled) return null;
    return {
      decodeHeaders() {
        callbacks.sendLocalReply({ status: 403, body: 'Invalid origin', details: 'csrf_origin_mismatch' });
        return 'stop';
      },
    };
  };
}

function judge(headers: RequestHeaders, policy: CsrfConfig): 'request_valid' | 'request_invalid' | 'missing_source_origin' {
  const source = hostOf(headers.get('origin') ?? '') || hostOf(headers.get('referer') ?? '');
  if (source === '') return 'missing_source_origin';
  const others = compileOnce(policy, ({ additionalOrigins }) => additionalOrigins.map(compileStringMatcher));
  return source === headers.authority || others.some((matches) => matches(source)) ? 'request_valid' : 'request_invalid';
}

/** Host and port of a URL; what is none stays as it is. */
function hostOf(text: string): string {
  return /^https?:\/\/(?:[^/?#@]*@)?([^/?#]+)/i.exec(text)?.[1] ?? text;
}
