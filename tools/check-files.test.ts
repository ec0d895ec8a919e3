import { expect, test } from 'vitest';
import { checkDocumentation } from './check-files.ts';

const breaches = (text: string): number => checkDocumentation('a.ts', text.split('\n')).length;

test('an exported declaration needs a doc comment right above it', () => {
  expect(checkDocumentation('src/a.ts', ['// about the file', 'export function walk(): void {}'])).toEqual(['src/a.ts:2: say above walk what it is, in a doc comment']);
  expect(breaches('/** Walks. */\nexport function walk(): void {}')).toBe(0);
  expect(breaches('/** Walks. */\n\nexport function walk(): void {}')).toBe(1);
  expect(breaches('/** Anything. */\n// eslint-disable-next-line rule -- reason\nexport type Walk = any;')).toBe(0);
  expect(['class A {}', 'abstract class A {}', 'async function a() {}', 'interface A {}', 'type A = 1;', 'const a = 1;'].map((text) => breaches(`export ${text}`))).toEqual([1, 1, 1, 1, 1, 1]);
});

test('one comment explains a name with all its declarations, and a group of constants', () => {
  expect(breaches('/** A walk. */\nexport const Walk = z.object({});\nexport type Walk = z.infer<typeof Walk>;')).toBe(0);
  expect(breaches('/** Ports. */\nexport const A = 1;\nexport const B = 2;\nexport const C = 3;')).toBe(0);
  expect(breaches('/** Ports. */\nexport const A = 1;\n\nexport const B = 2;\nexport const C = 3;')).toBe(2);
});

test('what is only passed on is explained where it is declared', () => {
  expect(breaches("export { walk } from './walk.ts';\nexport type { Walk } from './walk.ts';")).toBe(0);
});
