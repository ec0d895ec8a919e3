// What a request must be for a route, or for a rule of a filter (envoy.config.route.v3.RouteMatch).
import type { RouteMatch } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { Findings } from './findings.ts';
import { headerMatches, queryMatches } from './matchers.ts';
import { metadataMatch } from './metadata-matchers.ts';
import type { RouteMatchConfig } from './route-config.ts';
import { regex, runtimePerMillion } from './values.ts';

/** A route match. */
export function routeMatch(message: RouteMatch, path: string, findings: Findings): RouteMatchConfig {
  findings.refuseFields(message, path, ['tlsContext']);
  return {
    path: pathMatch(message, path, findings),
    headers: headerMatches(message.headers, `${path}.headers`, findings),
    queryParameters: queryMatches(message.queryParameters, `${path}.query_parameters`, findings),
    grpcOnly: message.grpc !== undefined,
    ...(message.dynamicMetadata?.length ? { dynamicMetadata: message.dynamicMetadata.map((matcher, index) => metadataMatch(matcher, `${path}.dynamic_metadata[${index}]`, findings)) } : {}),
    runtimeFractionPerMillion: message.runtimeFraction ? runtimePerMillion(message.runtimeFraction, 1_000_000) : null,
  };
}

function pathMatch(message: RouteMatch, path: string, findings: Findings): RouteMatchConfig['path'] {
  const ignoreCase = message.caseSensitive === false;
  const form = message.pathSpecifier;
  switch (form?.$case) {
    case 'prefix': return { kind: 'prefix', value: form.prefix, ignoreCase };
    case 'path': return { kind: 'exact', value: form.path, ignoreCase };
    case 'pathSeparatedPrefix':
      if (!/^[^?#]+[^?#/]$/.test(form.pathSeparatedPrefix)) findings.refuse(`${path}.path_separated_prefix`, 'A separated prefix holds no ? or # and does not end in a slash.');
      return { kind: 'path_separated_prefix', value: form.pathSeparatedPrefix, ignoreCase };
    case 'safeRegex': return { kind: 'regex', regex: regex(form.safeRegex, `${path}.safe_regex`, findings) };
    case 'connectMatcher': return { kind: 'connect' };
    default:
      findings.refuse(path, 'A route match needs one of prefix, path, path_separated_prefix, safe_regex or connect_matcher.');
      return { kind: 'prefix', value: '/', ignoreCase };
  }
}
