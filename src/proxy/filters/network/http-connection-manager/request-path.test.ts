// Path normalization: access rules and routes must see one spelling.
import { describe, expect, it } from 'vitest';
import { connectionManager } from '../../../listener/testdata/config-builder.ts';
import { normalizePath } from './request-path.ts';

describe('normalizePath', () => {
  const cases: readonly [string, string][] = [
    ['/a/b?x=%41', '/a/b?x=%41'], ['/a/./b', '/a/b'], ['/a/../b', '/b'], ['/../../b', '/b'], ['/a/%2e%2E/b', '/b'], ['/a/b/..', '/a/'], ['/%61dmin', '/admin'], ['/a%2fb', '/a%2fb'], ['/a\\b', '/a/b'], ['/a//b', '/a//b'],
  ];
  it.each(cases)('%s becomes %s', (path, expected) => {
    expect(normalizePath(path, connectionManager())).toEqual({ kind: 'path', path: expected });
  });

  it('takes no longer for a hostile path', () => {
    const start = performance.now();
    normalizePath(`/${'a'.repeat(50_000)}%`, connectionManager());
    normalizePath(`/${'a.'.repeat(25_000)}%`, connectionManager());
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('refuses what cannot be trusted and unescapes slashes when told to', () => {
    expect(normalizePath('/a%00b', connectionManager()).kind).toBe('reject');
    expect(normalizePath('/a#fragment', connectionManager()).kind).toBe('reject');
    expect(normalizePath('/a%zz', connectionManager()).kind).toBe('reject');
    expect(normalizePath('/a%2fb', connectionManager({ escapedSlashes: 'reject' })).kind).toBe('reject');
    expect(normalizePath('/a%2f..%5cb', connectionManager({ escapedSlashes: 'unescape_and_forward' }))).toEqual({ kind: 'path', path: '/b' });
    expect(normalizePath('/a//b', connectionManager({ mergeSlashes: true }))).toEqual({ kind: 'path', path: '/a/b' });
  });
});
