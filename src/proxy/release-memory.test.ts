// Whether memory that nobody holds is given back at once.
import { expect, it } from 'vitest';
import { releaseMemory } from './release-memory.ts';

it('what is no longer held is collected, and the collector stays hidden from programs', async () => {
  const held = new WeakRef({ text: 'x'.repeat(1000) });
  // A weak reference keeps its target for the turn in which it was made.
  await new Promise((resolve) => setImmediate(resolve));
  releaseMemory();
  expect(held.deref()).toBeUndefined();
  expect((globalThis as { readonly gc?: unknown }).gc).toBeUndefined();
});
