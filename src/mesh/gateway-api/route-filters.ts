// Filters of rules and backends as fields of the model's routes.
import type { CorsFilter, HeaderFilter, PathModifier, RequestRedirect, RouteFilter } from '../../shared/api/gateway-api/http-route.ts';
import type { CorsPolicy, HeaderManipulation } from '../../shared/api/networking/virtual-service.ts';
import type { ModelHttpRedirect, ModelHttpRoute } from '../model/gateway-api-configuration.ts';
import type { Backends } from './backends.ts';
import { quotePattern } from './route-matches.ts';

type Filters = readonly RouteFilter[] | undefined;

/** Header changes of a rule or backend. */
export function headersOf(filters: Filters): HeaderManipulation | undefined {
  const request = operations(filters?.flatMap(({ type, requestHeaderModifier }) => (type === 'RequestHeaderModifier' && requestHeaderModifier ? [requestHeaderModifier] : [])));
  const response = operations(filters?.flatMap(({ type, responseHeaderModifier }) => (type === 'ResponseHeaderModifier' && responseHeaderModifier ? [responseHeaderModifier] : [])));
  return request || response ? { ...(request ? { request } : {}), ...(response ? { response } : {}) } : undefined;
}

function operations(modifiers: readonly HeaderFilter[] | undefined): HeaderManipulation['request'] {
  if (!modifiers?.length) return undefined;
  const set: Record<string, string> = {};
  const add: Record<string, string> = {};
  const remove: string[] = [];
  for (const modifier of modifiers) {
    for (const { name, value } of modifier.set ?? []) set[name] = literal(value);
    for (const { name, value } of modifier.add ?? []) add[name] = literal(value);
    remove.push(...(modifier.remove ?? []));
  }
  return { ...(Object.keys(set).length > 0 ? { set } : {}), ...(Object.keys(add).length > 0 ? { add } : {}), ...(remove.length > 0 ? { remove } : {}) };
}

/** Percent signs mean themselves here, where Envoy reads them as commands. */
function literal(value: string): string {
  return value.replaceAll('%', '%%');
}

/** Mirrors of a rule; a backend that can not be used gets no copies. */
export function mirrorsOf(filters: Filters, backends: Backends): NonNullable<ModelHttpRoute['mirrors']> {
  return (filters ?? []).flatMap(({ type, requestMirror }) => {
    if (type !== 'RequestMirror' || !requestMirror) return [];
    const destination = backends.destination(requestMirror.backendRef);
    const { percent, fraction } = requestMirror;
    const share = fraction ? (100 * fraction.numerator) / (fraction.denominator ?? 100) : percent;
    return destination ? [{ destination, ...(share !== undefined ? { percentage: { value: share } } : {}) }] : [];
  });
}

/** Cross-origin rules. */
export function corsOf(filters: Filters): CorsPolicy | undefined {
  const cors = filters?.find(({ type }) => type === 'CORS')?.cors;
  return cors && {
    allowOrigins: (cors.allowOrigins ?? []).map(originMatch),
    ...(cors.allowMethods?.length ? { allowMethods: cors.allowMethods } : {}),
    ...(cors.allowHeaders?.length ? { allowHeaders: cors.allowHeaders } : {}),
    ...(cors.exposeHeaders?.length ? { exposeHeaders: cors.exposeHeaders } : {}),
    ...(cors.maxAge ? { maxAge: `${cors.maxAge}s` } : {}),
    allowCredentials: cors.allowCredentials === true,
    unmatchedPreflights: 'IGNORE',
  };
}

/** An origin, maybe with a star that stands for any labels, or for everything. */
function originMatch(origin: CorsFilter['allowOrigins'] extends (infer T)[] | undefined ? T : never): { exact: string } | { regex: string } {
  if (origin === '*') return { regex: '.*' };
  return origin.includes('*') ? { regex: origin.split('*').map(quotePattern).join('[^:/]+') } : { exact: origin };
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** The redirect of a rule. */
export function redirectOf(filters: Filters, prefix: string, listenerPort: number | undefined): ModelHttpRedirect | undefined {
  const redirect = filters?.find(({ type }) => type === 'RequestRedirect')?.requestRedirect;
  if (!redirect) return undefined;
  const port = redirectPort(redirect, listenerPort);
  return {
    ...(redirect.scheme ? { scheme: redirect.scheme } : {}),
    ...(redirect.hostname ? { authority: redirect.hostname } : {}),
    ...(port ? { port } : {}),
    ...redirectPath(redirect.path, prefix),
    redirectCode: redirect.statusCode ?? 302,
  };
}

/** The port asked for, else the scheme's own, else the listener's. */
function redirectPort({ port, scheme }: RequestRedirect, listenerPort: number | undefined): number | undefined {
  if (port !== undefined) return port;
  if (scheme === 'http' || scheme === 'https') return DEFAULT_PORTS[scheme];
  return listenerPort;
}

function redirectPath(path: PathModifier | undefined, prefix: string): Pick<ModelHttpRedirect, 'uri' | 'prefixRewrite' | 'regexRewrite'> {
  if (path?.replaceFullPath !== undefined && path.type === 'ReplaceFullPath') return { uri: path.replaceFullPath || '/' };
  const change = prefixChange(path, prefix);
  if (!change) return {};
  return 'prefix' in change ? { prefixRewrite: change.prefix } : { regexRewrite: { match: change.match, rewrite: change.rewrite } };
}

/** The rewrite of a rule. */
export function rewriteOf(filters: Filters, prefix: string): ModelHttpRoute['rewrite'] {
  const rewrite = filters?.find(({ type }) => type === 'URLRewrite')?.urlRewrite;
  if (!rewrite) return undefined;
  return { ...(rewrite.hostname ? { authority: rewrite.hostname } : {}), ...rewritePath(rewrite.path, prefix) };
}

function rewritePath(path: PathModifier | undefined, prefix: string): NonNullable<ModelHttpRoute['rewrite']> {
  if (path?.replaceFullPath !== undefined && path.type === 'ReplaceFullPath') return { uriRegexRewrite: { match: '^.*$', rewrite: (path.replaceFullPath || '/').replaceAll('\\', '\\\\') } };
  const change = prefixChange(path, prefix);
  if (!change) return {};
  return 'prefix' in change ? { uri: change.prefix } : { uriRegexRewrite: { match: change.match, rewrite: change.rewrite } };
}

/**
 * Replaces the prefix that matched. Slashes at its end and at the replacement's do not count; an empty replacement leaves
 * exactly one slash, which a plain exchange of prefixes would double or lose.
 */
function prefixChange(path: PathModifier | undefined, prefix: string): { readonly prefix: string } | { readonly match: string; readonly rewrite: string } | undefined {
  if (path?.type !== 'ReplacePrefixMatch' || path.replacePrefixMatch === undefined) return undefined;
  const replacement = path.replacePrefixMatch.replace(/\/+$/, '');
  if (prefix === '/') return replacement === '' ? undefined : { prefix: `${replacement}/` };
  return replacement === '' ? { match: `^${quotePattern(prefix)}/*`, rewrite: '/' } : { prefix: replacement };
}
