// Tests on dynamic metadata: every form, and what is not there.
import { describe, expect, it } from 'vitest';
import type { MetadataMatchConfig, StringMatchConfig, ValueMatchConfig } from '../config/match-config.ts';
import { compileAccessRules, type AccessFacts } from './access-rules.ts';
import { compileMetadataMatch } from './metadata-matcher.ts';

const METADATA = new Map([['jwt', { payload: { iss: 'me', admin: true, age: 30, nothing: null, groups: ['a', 'b'], nested: { deep: { id: '7' } }, __proto__: null } }]]);
const exact = (value: string): ValueMatchConfig => ({ kind: 'string', match: { kind: 'exact', value, ignoreCase: false } satisfies StringMatchConfig });
const test = (path: readonly string[], value: ValueMatchConfig, fields: Partial<MetadataMatchConfig> = {}): boolean => compileMetadataMatch({ filter: 'jwt', path: ['payload', ...path], value, invert: false, ...fields })(METADATA);

describe('compileMetadataMatch', () => {
  it.each<[readonly string[], ValueMatchConfig, boolean]>([
    [['iss'], exact('me'), true], [['iss'], exact('you'), false], [['nested', 'deep', 'id'], exact('7'), true], [['nested', 'iss'], exact('me'), false],
    [['groups'], { kind: 'one_of', element: exact('b') }, true], [['groups'], { kind: 'one_of', element: exact('c') }, false], [['groups'], exact('a'), false], [['groups', '0'], exact('a'), false],
    [['iss'], { kind: 'one_of', element: exact('me') }, false], [['iss'], { kind: 'or', values: [{ kind: 'one_of', element: exact('me') }, exact('me')] }, true], [['iss'], { kind: 'or', values: [] }, false],
    [['admin'], { kind: 'bool', value: true }, true], [['admin'], exact('true'), false], [['age'], { kind: 'number', value: 30 }, true], [['age'], { kind: 'range', start: 30, end: 31 }, true], [['age'], { kind: 'range', start: 20, end: 30 }, false],
    [['nothing'], { kind: 'null' }, true], [['nothing'], { kind: 'present', present: true }, true], [['gone'], { kind: 'present', present: true }, false], [['gone'], { kind: 'present', present: false }, true], [['gone'], { kind: 'null' }, false],
    [['constructor'], { kind: 'present', present: true }, false],
  ])('%j %j is %s', (path, value, expected) => {
    expect(test(path, value)).toBe(expected);
    expect(test(path, value, { invert: true })).toBe(!expected);
  });

  it('finds nothing where the filter wrote nothing', () => {
    expect(test(['iss'], exact('me'), { filter: 'other' })).toBe(false);
    expect(test(['iss'], exact('me'), { filter: 'other', invert: true })).toBe(true);
  });
});

describe('access rules on metadata', () => {
  const facts = (metadata: AccessFacts['dynamicMetadata']): AccessFacts => ({ connection: { tls: null } as AccessFacts['connection'], headers: null, remoteIp: '', filterState: new Map(), dynamicMetadata: metadata });
  const has = { kind: 'metadata' as const, match: { filter: 'jwt', path: ['payload', 'iss'], value: exact('me'), invert: false } };
  it.each([
    ['a denial of those without', { action: 'deny' as const, principal: { kind: 'not' as const, id: has } }, true, false],
    ['a permission', { action: 'allow' as const, principal: has }, true, false],
  ])('%s', (_name, { action, principal }, withClaim, without) => {
    const decide = compileAccessRules({ action, policies: [{ name: 'p', permissions: [{ kind: 'any' }], principals: [principal] }] }, () => ({ contains: () => false }));
    expect([decide(facts(METADATA)).allowed, decide(facts(new Map())).allowed]).toEqual([withClaim, without]);
  });
});
