// The story of `mizzen up --smoke` on a real cluster: installation, traffic, security, upgrade, removal, each claim measured with live traffic.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smokeSteps } from '../../../src/cli/story/smoke/run-smoke.ts';
import { removeEverything } from '../support/bare-cluster.ts';
import { clusterUnderTest } from '../support/cluster-under-test.ts';

interface StoryResult {
  readonly ready_seconds: number;
  readonly steps: readonly { readonly name: string; readonly ok: boolean; readonly error?: string; readonly measured: object }[];
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('the story on a real cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-story-'));
  let output = '';
  let result: StoryResult | undefined;

  beforeAll(async () => {
    await removeEverything();
    const file = join(folder, 'story.json');
    output = await new Promise<string>((resolve) => {
      execFile(process.execPath, [join(ROOT, 'dist/mizzen.js'), 'up', '--kubeconfig', clusterUnderTest().cluster.kubeconfig, '--smoke', '--json', file], { cwd: ROOT, timeout: 840_000, maxBuffer: 1 << 26 },
        (_error, stdout, stderr) => resolve(`${stdout}${stderr}`));
    });
    try {
      result = JSON.parse(readFileSync(file, 'utf8')) as StoryResult;
    } catch {
      throw new Error(`the story came to no result:\n${output}`);
    }
  }, 900_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await removeEverything();
  }, 300_000);

  it('goes through every step', () => {
    expect(result?.steps.map((step) => step.name)).toEqual(smokeSteps.map(([name]) => name));
  });

  it.each(smokeSteps.map(([name]) => name))('%s', (name) => {
    const step = result?.steps.find((one) => one.name === name);
    expect(step?.error, output).toBeUndefined();
    expect(step?.ok).toBe(true);
  });
});
