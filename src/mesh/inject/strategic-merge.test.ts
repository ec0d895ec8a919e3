// Strategic merge: lists by key, maps deeply, directives.
import { describe, expect, test } from 'vitest';
import { strategicMerge } from './strategic-merge.ts';

describe('strategicMerge', () => {
  test.each<[string, object, object, object]>([
    ['maps deeply', { a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } }, { a: { b: 1, c: 3, d: 4 } }],
    ['null removes', { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ['an empty list of containers takes nothing away', { initContainers: [{ name: 'own' }] }, { initContainers: null }, { initContainers: [{ name: 'own' }] }],
    ['containers by name, new ones last', { containers: [{ name: 'a', image: 'x' }] }, { containers: [{ name: 'b' }, { name: 'a', tty: true }] }, { containers: [{ name: 'a', image: 'x', tty: true }, { name: 'b' }] }],
    ['ports by number, mounts by path', { ports: [{ containerPort: 80 }], volumeMounts: [{ mountPath: '/a', name: 'x' }] }, { ports: [{ containerPort: 80, name: 'http' }], volumeMounts: [{ mountPath: '/a', name: 'y' }] }, { ports: [{ containerPort: 80, name: 'http' }], volumeMounts: [{ mountPath: '/a', name: 'y' }] }],
    ['lists without a key are replaced', { args: ['a'], tolerations: [{ key: 'x' }] }, { args: ['b', 'c'], tolerations: [{ key: 'y' }] }, { args: ['b', 'c'], tolerations: [{ key: 'y' }] }],
    ['a value takes the place of a source', { env: [{ name: 'A', valueFrom: { fieldRef: {} } }] }, { env: [{ name: 'A', value: '1' }] }, { env: [{ name: 'A', value: '1' }] }],
    ['$patch delete takes an item', { volumes: [{ name: 'a' }, { name: 'b' }] }, { volumes: [{ $patch: 'delete', name: 'a' }] }, { volumes: [{ name: 'b' }] }],
    ['$patch delete takes a map', { a: { b: 1 }, c: 1 }, { a: { $patch: 'delete' } }, { c: 1 }],
    ['$patch replace replaces a map', { a: { b: 1 } }, { a: { $patch: 'replace', c: 2 } }, { a: { c: 2 } }],
    ['$patch replace replaces a list', { env: [{ name: 'A' }] }, { env: [{ $patch: 'replace' }, { name: 'B' }] }, { env: [{ name: 'B' }] }],
  ])('%s', (_name, base, patch, expected) => {
    expect(strategicMerge(base as Record<string, unknown>, patch as Record<string, unknown>)).toEqual(expected);
  });
});
