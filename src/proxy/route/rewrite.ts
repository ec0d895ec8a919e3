// New paths and redirect locations. Pure; called by the router with the route that matched.
import { RE2JS } from 're2js';
import type { PathRewriteConfig, RedirectActionConfig, RouteMatchConfig } from '../config/route-config.ts';
import type { RequestHeaders } from '../stream/header-map.ts';
import { pathOnly } from './header-matcher.ts';

/** Gives the new path, query included. */
export type PathRewrite = (path: string) => string;

/** Compiles a rewrite of the path that `match` matched. */
export function compileRewrite(rewrite: PathRewriteConfig, match: RouteMatchConfig): PathRewrite {
  if (rewrite.kind === 'regex') return compileRegex(rewrite.regex, rewrite.substitution);
  const { value } = rewrite;
  const matched = match.path.kind === 'regex' || match.path.kind === 'connect' ? null : match.path.value.length;
  // A regex match has no prefix to replace: the whole path is replaced, as Envoy does for exact paths.
  return (path) => `${value}${path.slice(matched ?? pathOnly(path).length)}`;
}

function compileRegex(regex: string, substitution: string): PathRewrite {
  const pattern = RE2JS.compile(regex);
  // Envoy writes groups as \1 and a backslash as \\; RE2JS takes $1, and $$ for a dollar sign.
  const replacement = substitution.replaceAll('$', '$$$$').replace(/\\([0-9\\])/g, (_whole, group: string) => (group === '\\' ? '\\' : `$${group}`));
  return (path) => {
    const plain = pathOnly(path);
    return `${pattern.matcher(plain).replaceAll(replacement)}${path.slice(plain.length)}`;
  };
}

/** Compiles a redirect into what makes the Location header. */
export function compileRedirect(config: RedirectActionConfig, match: RouteMatchConfig): (headers: RequestHeaders) => string {
  const newPath = redirectPath(config, match);
  return (headers) => {
    const scheme = config.scheme ?? headers.scheme;
    const path = newPath(headers.path);
    const query = headers.path.slice(pathOnly(headers.path).length);
    const withQuery = config.stripQuery ? pathOnly(path) : path.includes('?') || query === '' || path.endsWith(query) ? path : `${path}${query}`;
    return `${scheme}://${redirectHost(config, headers, scheme)}${withQuery}`;
  };
}

function redirectHost(config: RedirectActionConfig, headers: RequestHeaders, scheme: string): string {
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(config.host ?? headers.authority) ?? [];
  const wanted = config.port !== null ? String(config.port) : config.scheme !== null && isDefaultPort(port, headers.scheme) ? '' : port;
  return wanted === '' || isDefaultPort(wanted, scheme) && config.port !== null ? host : `${host}:${wanted}`;
}

function isDefaultPort(port: string, scheme: string): boolean {
  return (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443');
}

function redirectPath(config: RedirectActionConfig, match: RouteMatchConfig): PathRewrite {
  const { path } = config;
  if (path === null) return (original) => original;
  switch (path.kind) {
    case 'path': return () => path.value;
    case 'prefix': return compileRewrite({ kind: 'prefix', value: path.value }, match);
    case 'regex': return compileRegex(path.regex, path.substitution);
  }
}
