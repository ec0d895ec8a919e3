// The committed answers of real kube-apiservers: one file a scenario for the minor that the sandbox names as its version, and one
// more for a later minor where that answers otherwise.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry } from './transcript.ts';

/** The minor whose behaviour the sandbox shows. */
export const SANDBOX_MINOR = '1.35';

const folder = join(import.meta.dirname, 'golden');
const fileOf = (minor: string, scenario: string): string => join(folder, minor, `${scenario}.json`);

/** What a real kube-apiserver of that minor answered; undefined when it was never recorded. */
export function readGolden(minor: string, scenario: string): readonly Entry[] | undefined {
  const own = [minor, SANDBOX_MINOR].map((name) => fileOf(name, scenario)).find((file) => existsSync(file));
  return own === undefined ? undefined : JSON.parse(readFileSync(own, 'utf8')) as Entry[];
}

/** Writes down what a real kube-apiserver answered. */
export function writeGolden(minor: string, scenario: string, entries: readonly Entry[]): void {
  const file = fileOf(minor, scenario);
  const text = `${JSON.stringify(entries, null, 1)}\n`;
  const isSame = minor !== SANDBOX_MINOR && existsSync(fileOf(SANDBOX_MINOR, scenario)) && readFileSync(fileOf(SANDBOX_MINOR, scenario), 'utf8') === text;
  if (isSame) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
