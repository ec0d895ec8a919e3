import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refusalOf } from './backends.ts';

it('`refusalOf` takes the file with the expected sum, and tells both sums of another', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-backends-'));
  const file = join(folder, 'x.jar');
  writeFileSync(file, 'abc');
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(refusalOf(file, digest)).toBeUndefined();
  writeFileSync(file, 'abd');
  expect(refusalOf(file, digest)).toMatch(new RegExp(`^${file} has the SHA-256 [0-9a-f]{64}, and ${digest} is expected`));
  rmSync(folder, { recursive: true });
});
