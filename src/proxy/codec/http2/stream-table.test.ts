// The table of streams does what a Map does.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamTable } from './stream-table.ts';

describe('StreamTable', () => {
  it('finds what is in it and nothing else', () => {
    const step = fc.record({ id: fc.integer({ min: 0, max: 60 }).map((number) => number * 2 + 1), adds: fc.boolean() });
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new StreamTable<{ id: number }>();
      const model = new Map<number, { id: number }>();
      for (const { id, adds } of steps) {
        if (adds && !model.has(id)) {
          const stream = { id };
          model.set(id, stream);
          table.add(stream);
        } else if (!adds) {
          model.delete(id);
          table.delete(id);
        }
      }
      expect(table.size).toBe(model.size);
      for (let id = 1; id < 140; id += 2) expect(table.get(id)).toBe(model.get(id));
      expect(new Set(table.all())).toEqual(new Set(model.values()));
    }), { numRuns: 200 });
  });
});
