// A sandbox for the tests, with the test program as its only image.
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSandbox, type Sandbox, type SandboxOptions } from '../index.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The resource that most tests look at. */
export const PODS = { group: '', resource: 'pods' };
export const SERVICES = { group: '', resource: 'services' };

/** The program of the image `test/program`. */
export const testProgram = { command: [process.execPath, join(here, 'program.mjs')] };

/** A sandbox with what tests need besides. */
export interface TestCluster extends Sandbox {
  readonly directory: string;
  /** Failures that no status shows: there should be none. */
  readonly errors: unknown[];
  /** Opens a file of the pod's volume; the answer reads what was added since, even after the pod is gone. */
  follow(pod: string, volume: string, file: string): Promise<() => string[]>;
}

/** Starts one in a directory of its own. */
export async function startTestCluster(options: Partial<SandboxOptions> = {}): Promise<TestCluster> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'sandbox-'));
  const errors: unknown[] = [];
  const forget = (): void => {
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  const sandbox = await startSandbox({
    directory, images: { 'test/program': testProgram }, imageTags: { 'test/program': ['1', '2'] },
    containerViewPath: join(here, '../container-view/index.ts'), restartBackoffMilliseconds: 200,
    onError: (component, error) => { errors.push(component, error); }, ...options,
  }).catch((error: unknown) => {
    forget();
    throw error;
  });
  return {
    ...sandbox, directory, errors,
    follow: async (pod, volume, file) => {
      const object = await sandbox.client.get(PODS, 'default', pod);
      const descriptor = openSync(join(directory, 'pods', object?.metadata.uid.slice(0, 13) ?? '', 'v', volume, file), 'r');
      const start = fstatSync(descriptor).size;
      return () => {
        const bytes = Buffer.alloc(fstatSync(descriptor).size - start);
        readSync(descriptor, bytes, 0, bytes.length, start);
        closeSync(descriptor);
        return bytes.toString().trim().split('\n');
      };
    },
    stop: async () => {
      await sandbox.stop();
      forget();
    },
  };
}
