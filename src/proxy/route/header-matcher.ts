// Compiles tests on headers and query parameters. Used by routes, faults, retries and role-based access control.
import type { HeaderMatchConfig, RouteMatchConfig } from '../config/route-config.ts';
import type { HeaderReader } from '../stream/stream-info.ts';
import { compileStringMatcher, type StringMatcher } from '../stream/string-matcher.ts';

/** Whether a message's headers are as asked for. */
export type HeaderTest = (headers: HeaderReader) => boolean;

/** Compiles one test; throws for a pattern that RE2 refuses. */
export function compileHeaderMatch(config: HeaderMatchConfig): HeaderTest {
  const { name, invert, treatMissingAsEmpty } = config;
  const matches = compileValue(config.match);
  if (config.match.kind === 'present') return (headers) => (headers.get(name) !== undefined) !== invert;
  return (headers) => {
    const value = headers.get(name) ?? (treatMissingAsEmpty ? '' : undefined);
    // A header that is absent matches nothing, and inverted tests hold for it.
    return value === undefined ? invert : matches(value) !== invert;
  };
}

function compileValue(match: HeaderMatchConfig['match']): StringMatcher {
  if (match.kind === 'present') return () => true;
  if (match.kind !== 'range') return compileStringMatcher(match);
  const { start, end } = match;
  return (text) => /^-?[0-9]+$/.test(text) && Number(text) >= start && Number(text) < end;
}

/** Compiles tests that must all hold. */
export function compileHeaderMatches(configs: readonly HeaderMatchConfig[]): HeaderTest {
  const tests = configs.map(compileHeaderMatch);
  return (headers) => tests.every((test) => test(headers));
}

/** Compiles tests on the query parameters of a path. */
export function compileQueryMatches(configs: RouteMatchConfig['queryParameters']): ((path: string) => boolean) | null {
  if (configs.length === 0) return null;
  const tests = configs.map(({ name, match }) => ({ name, matches: match.kind === 'present' ? (): boolean => true : compileStringMatcher(match) }));
  return (path) => tests.every(({ name, matches }) => {
    const value = queryParameter(path, name);
    return value !== undefined && matches(value);
  });
}

/** The first value of a query parameter, as it is written in the path. */
export function queryParameter(path: string, name: string): string | undefined {
  const start = path.indexOf('?');
  if (start < 0) return undefined;
  const hash = path.indexOf('#', start);
  for (const part of path.slice(start + 1, hash < 0 ? path.length : hash).split('&')) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (key === name) return equals < 0 ? '' : part.slice(equals + 1);
  }
  return undefined;
}

/** The path without query and fragment. */
export function pathOnly(path: string): string {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code === 63 || code === 35) return path.slice(0, index);
  }
  return path;
}
