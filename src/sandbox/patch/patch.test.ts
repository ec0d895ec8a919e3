import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyConfiguration, applyJsonPatch, applyMergePatch, applyStrategicMerge, recordUpdate, PatchError, type Fields, type Manager } from './index.ts';

describe('JSON patch (RFC 6902)', () => {
  it.each([
    [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    // Not by the RFC, but so does the real server.
    [{ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: { b: 1 } }, [{ op: 'remove', path: '/a/b' }], { a: {} }],
    [{ 'x/y': { '~': 1 } }, [{ op: 'replace', path: '/x~1y/~0', value: 2 }], { 'x/y': { '~': 2 } }],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [{ a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }, { op: 'add', path: '/b/-', value: 2 }], { a: [1], b: [1, 2] }],
    [{ a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }], { a: { b: [1] } }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { z: 1 } }], { z: 1 }],
  ])('%j with %j is %j', (document, patch, expected) => {
    expect(applyJsonPatch(document, patch)).toEqual(expected);
  });

  it.each([
    [[{ op: 'remove', path: '/b' }]], [[{ op: 'add', path: '/b/c', value: 1 }]], [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'add', path: '/l/5', value: 1 }]], [[{ op: 'add', path: '/l/01', value: 1 }]], [[{ op: 'jump', path: '/a' }]], [[{ op: 'add', path: 'a', value: 1 }]], [{}],
  ])('%j does not apply', (patch) => {
    expect(() => applyJsonPatch({ a: 1, l: [1] }, patch)).toThrow(PatchError);
  });
});

describe('merge patch (RFC 7386)', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }], [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }], [{ e: null }, { a: 1 }, { e: null, a: 1 }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });

  const value = fc.letrec((tie) => ({ json: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }), tie('object')), object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('json'), { maxKeys: 3 }) }));
  it('twice is once, and its target stays as it was', () => {
    fc.assert(fc.property(value.object, value.object, (target, patch) => {
      const before = JSON.stringify(target);
      const once = applyMergePatch(target, patch);
      expect(applyMergePatch(once, patch)).toEqual(once);
      expect(JSON.stringify(target)).toBe(before);
    }));
  });
});

const SCHEMA = {
  type: 'object',
  properties: {
    items: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } } } },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    atomic: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } },
    map: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

describe('strategic merge patch', () => {
  it.each([
    [{ items: [{ name: 'a', value: '1' }] }, { items: [{ name: 'b', value: '2' }] }, { items: [{ name: 'b', value: '2' }, { name: 'a', value: '1' }] }],
    [{ items: [{ name: 'a', value: '1' }] }, { items: [{ name: 'a', value: null }] }, { items: [{ name: 'a' }] }],
    [{ items: [{ name: 'a' }, { name: 'b' }] }, { items: [{ name: 'a', $patch: 'delete' }] }, { items: [{ name: 'b' }] }],
    [{ items: [{ name: 'a' }] }, { items: [{ $patch: 'replace' }, { name: 'c' }] }, { items: [{ name: 'c' }] }],
    [{ set: ['a', 'b'] }, { set: ['c', 'a'] }, { set: ['c', 'a', 'b'] }],
    [{ set: ['a', 'b'] }, { '$deleteFromPrimitiveList/set': ['a'] }, { set: ['b'] }],
    [{ atomic: ['a'] }, { atomic: ['b'] }, { atomic: ['b'] }],
    [{ map: { a: '1', b: '2' } }, { map: { $patch: 'replace', c: '3' } }, { map: { c: '3' } }],
    [{ map: { a: '1', b: '2' } }, { map: { $retainKeys: ['b', 'c'], c: '3' } }, { map: { b: '2', c: '3' } }],
    [{ items: [{ name: 'a' }, { name: 'b' }] }, { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }] }, { items: [{ name: 'b' }, { name: 'a' }] }],
  ])('%j with %j is %j', (target, patch, expected) => {
    expect(applyStrategicMerge(target, patch, SCHEMA)).toEqual(expected);
  });
});

describe('apply', () => {
  const manager = (name: string): Manager => ({ manager: name, operation: 'Apply', apiVersion: 'v1', subresource: '', time: '' });
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
  const config = fc.record({ items: names.map((list) => list.map((name) => ({ name, value: name }))), set: names, map: names.map((list) => Object.fromEntries(list.map((name) => [name, name]))) });
  const apply = (live: Fields | undefined, name: string, fields: object): Fields => {
    const result = applyConfiguration(live, { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, ...fields }, manager(name), false, SCHEMA);
    if ('conflicts' in result) throw new Error('unexpected conflict');
    return result.object;
  };
  const keysOf = (object: Fields): string[][] => [((object['items'] ?? []) as { name: string }[]).map((item) => item.name).sort(), [...((object['set'] ?? []) as string[])].sort(), Object.keys((object['map'] ?? {}) as object).sort()];

  it('the last configuration of each applier is what there is, whatever came before', () => {
    fc.assert(fc.property(config, config, config, (first, other, second) => {
      const live = apply(apply(apply(undefined, 'one', first), 'two', other), 'one', second);
      const direct = apply(apply(undefined, 'one', second), 'two', other);
      expect(keysOf(live)).toEqual(keysOf(direct));
    }));
  });

  it('again changes nothing', () => {
    fc.assert(fc.property(config, config, (first, other) => {
      const live = apply(apply(undefined, 'one', first), 'two', other);
      expect(apply(live, 'two', other)).toEqual(live);
    }));
  });

  it('a field that somebody else changed is a conflict, one that they removed is not', () => {
    const update: Manager = { ...manager('hand'), operation: 'Update' };
    const live = apply(undefined, 'one', { map: { a: '1', b: '2' } });
    const changed = recordUpdate(live, { ...live, map: { a: '9' } }, update, SCHEMA);
    const result = applyConfiguration(changed, { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, map: { a: '1', b: '2' } }, manager('one'), false, SCHEMA);
    expect(result).toMatchObject({ conflicts: [{ manager: { manager: 'hand' }, paths: ['.map.a'] }] });
  });
});
