// The size of each program's bundle: one that grew past its bound carries a library it should not, one that shrank has lost a part.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const KIB = 1024;
const MIB = 1024 * KIB;

/** Smallest and largest number of bytes that a program may have. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  cni: [8 * KIB, 40 * KIB],
  'container-view': [8 * KIB, 32 * KIB],
  'node-agent': [1 * MIB, 6 * MIB], // the client of the API server is most of it; the init containers' part loads without it
  proxy: [700 * KIB, 2 * MIB],
  mizzend: [4 * MIB, 10 * MIB],
  operator: [10 * MIB, 26 * MIB],
  mizzen: [2 * MIB, 8 * MIB],
};

test('every program has bounds', () => {
  const programs = readdirSync(join(root, 'src/main')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => basename(file, '.ts'));
  expect(Object.keys(BOUNDS).sort()).toEqual(programs.sort());
});

test.each(Object.entries(BOUNDS))('the bundle of %s is within its bounds', (program, [smallest, largest]) => {
  const path = join(root, 'dist', `${program}.js`);
  expect(existsSync(path), `${path} is missing; build it with npm run build`).toBe(true);
  expect(statSync(path).size).toBeGreaterThanOrEqual(smallest);
  expect(statSync(path).size).toBeLessThanOrEqual(largest);
});
