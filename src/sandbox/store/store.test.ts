import { mkdtempSync, rmSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ExpiredError, Journal, Store, type KubeObject } from './index.ts';

const object = (name: string, data = ''): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '' }, data });
const names = (objects: readonly KubeObject[]): string => objects.map((item) => `${item.metadata.name}${String(item['data'])}`).join(' ');

describe('Store', () => {
  it('shows the past as it was, until it is compacted', () => {
    const store = new Store();
    store.put('/x', object('a', '1'));
    store.put('/x', object('b', '1'));
    const then = store.revision;
    store.put('/x', object('a', '2'));
    store.remove('/x', 'n', 'b');
    store.put('/x', object('c', '1'));
    expect(names(store.list('/x'))).toBe('a2 c1');
    expect(names(store.list('/x', 'n', then))).toBe('a1 b1');
    expect(store.since('/x', then).map((event) => event.type)).toEqual(['MODIFIED', 'DELETED', 'ADDED']);
    store.compact(1);
    expect(() => store.since('/x', then)).toThrow(ExpiredError);
    expect(() => store.list('/x', 'n', then)).toThrow(ExpiredError);
  });

  it('gives out frozen objects', () => {
    const stored = new Store().put('/x', object('a'));
    expect(() => { stored.metadata.name = 'b'; }).toThrow(TypeError);
  });

  it('comes back from its journal, also from one that a crash has torn', () => {
    const directory = mkdtempSync(join(tmpdir(), 'journal-'));
    try {
      const journal = new Journal(directory);
      const store = new Store({ journal });
      store.load();
      store.put('/x', object('a', '1'));
      store.put('/x', object('b', '1'));
      store.put('/x', object('a', '2'));
      store.remove('/x', 'n', 'b');
      const { revision } = store;
      journal.close();
      appendFileSync(join(directory, 'objects.jsonl'), '{"resource":"/x","obj');
      const again = new Store({ journal: new Journal(directory) });
      again.load();
      expect(names(again.list('/x'))).toBe('a2');
      expect(again.revision).toBe(revision);
      expect(() => again.since('/x', revision - 1)).toThrow(ExpiredError);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
