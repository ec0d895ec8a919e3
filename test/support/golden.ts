// Golden files: compares text with a committed file, or rewrites it when MIZZEN_UPDATE_GOLDENS is set (`npm run golden`).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';

/** Expects `text` to be what the file at `path` holds. */
export function expectGolden(path: string, text: string): void {
  if (process.env.MIZZEN_UPDATE_GOLDENS) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  expect(existsSync(path), `${path} is missing; write it with npm run golden`).toBe(true);
  expect(text).toBe(readFileSync(path, 'utf8'));
}
