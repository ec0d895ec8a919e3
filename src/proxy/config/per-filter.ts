// Per-route replacements of HTTP filters' configurations (typed_per_filter_config), by filter name.
import { FilterConfig } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { BufferPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/buffer/v3/buffer.ts';
import { CorsPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { CsrfPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/csrf/v3/csrf.ts';
import { ExtAuthzPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { PerRouteConfig as JwtPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { HeaderMutationPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation.ts';
import { LocalRateLimit } from '../../shared/xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts';
import { RateLimitPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit.ts';
import { RBACPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import { extAuthzPerRoute } from './ext-authz.ts';
import type { HttpFilterOverride } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { corsPolicy, fault, localRateLimit } from './http-filter-parts.ts';
import { jwtRoute } from './jwt-authn.ts';
import { rateLimitPerRoute } from './rate-limit.ts';
import { rbacRules } from './rbac.ts';
import { statefulSessionPerRoute } from './stateful-session.ts';
import { bufferPerRoute, csrf, headerMutation } from './small-filters.ts';
import { typedConfig } from './typed-struct.ts';

/** The overrides of a route, virtual host or weighted cluster. */
export function perFilterOverrides(configs: Readonly<Record<string, Any>> | undefined, path: string, findings: Findings): Readonly<Record<string, HttpFilterOverride>> {
  const overrides: Record<string, HttpFilterOverride> = {};
  for (const [name, any] of Object.entries(configs ?? {})) {
    const override = overrideOf(any, `${path}[${JSON.stringify(name)}]`, findings, false);
    if (override) overrides[name] = override;
  }
  return overrides;
}

function overrideOf(any: Any, path: string, findings: Findings, optional: boolean): HttpFilterOverride | null {
  const { type, bytes, fields } = typedConfig(any);
  if (fields) return unknown(type, path, findings, optional);
  switch (type) {
    case 'envoy.config.route.v3.FilterConfig': {
      const config = FilterConfig.decode(bytes);
      if (config.disabled) return { disabled: true };
      return config.config ? overrideOf(config.config, `${path}.config`, findings, config.isOptional ?? false) : null;
    }
    case 'envoy.extensions.filters.http.fault.v3.HTTPFault': return fault(HTTPFault.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig': return jwtRoute(JwtPerRoute.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute': return statefulSessionPerRoute(bytes, path, findings);
    case 'envoy.extensions.filters.http.cors.v3.CorsPolicy': return corsPolicy(CorsPolicy.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': return localRateLimit(LocalRateLimit.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute': return extAuthzPerRoute(ExtAuthzPerRoute.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute': return rateLimitPerRoute(RateLimitPerRoute.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute': return bufferPerRoute(BufferPerRoute.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.csrf.v3.CsrfPolicy': return csrf(CsrfPolicy.decode(bytes), path, findings);
    case 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute': return headerMutation(HeaderMutationPerRoute.decode(bytes).mutations, false, path, findings);
    case 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute': {
      const { rbac } = RBACPerRoute.decode(bytes);
      if (!rbac) return { disabled: true };
      findings.refuseFields(rbac, `${path}.rbac`, ['matcher', 'shadowMatcher']);
      return { kind: 'rbac', rules: rbac.rules ? rbacRules(rbac.rules, `${path}.rbac.rules`, findings) : null };
    }
    default: return unknown(type, path, findings, optional);
  }
}

function unknown(type: string, path: string, findings: Findings, optional: boolean): null {
  if (optional) findings.ignore(path, `The optional filter configuration ${JSON.stringify(type)} is not known and has no effect.`);
  else findings.refuse(path, `Filter configuration ${JSON.stringify(type)} is not supported by this proxy.`);
  return null;
}
