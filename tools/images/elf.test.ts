// Native files: this Node is one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { elfArchitecture, neededLibraries, withoutDebugSymbols } from './elf.ts';

const node = readFileSync(process.execPath);

test('a native file tells its architecture and its libraries', () => {
  expect(elfArchitecture(node)).toBe(process.arch === 'arm64' ? 'arm64' : 'amd64');
  expect(neededLibraries(node)).toEqual(expect.arrayContaining(['libc.so.6', 'libstdc++.so.6', 'libm.so.6']));
  expect(elfArchitecture(Buffer.from('#!/bin/sh\n'))).toBeUndefined();
  expect(neededLibraries(Buffer.alloc(100))).toEqual([]);
});

test('a program without its debugging symbols is smaller, runs, and is not shortened twice', () => {
  const shortened = withoutDebugSymbols(node);
  expect(node.length - shortened.length).toBeGreaterThan(5_000_000);
  expect(neededLibraries(shortened)).toEqual(neededLibraries(node));
  expect(withoutDebugSymbols(shortened).length).toBeLessThanOrEqual(shortened.length);
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-elf-'));
  try {
    writeFileSync(join(folder, 'node'), shortened, { mode: 0o755 });
    expect(execFileSync(join(folder, 'node'), ['-p', 'process.version + new WebAssembly.Module(Buffer.from("0061736d01000000", "hex"))'], { encoding: 'utf8' })).toBe(`${process.version}[object WebAssembly.Module]\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
