// Keeps the store's objects in a directory: one file of JSON lines, appended at each change and rewritten at start.
// Used by the API server when it is given a directory.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { objectKey, type KubeObject } from './kube-object.ts';

interface Line {
  readonly resource: string;
  readonly object?: KubeObject;
  readonly removed?: string;
  readonly revision: number;
}

/** An append-only file of changes. */
export class Journal {
  readonly #path: string;
  #file: number | undefined = undefined;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = join(directory, 'objects.jsonl');
  }

  /** Reads what there is, rewrites it without what has been replaced, and opens it for appending. */
  load(): { revision: number; objects: [string, KubeObject][] } {
    const live = new Map<string, [string, KubeObject]>();
    let revision = 0;
    for (const line of this.#read()) {
      revision = Math.max(revision, line.revision);
      if (line.object) live.set(`${line.resource} ${objectKey(line.object.metadata.namespace, line.object.metadata.name)}`, [line.resource, line.object]);
      else if (line.removed !== undefined) live.delete(`${line.resource} ${line.removed}`);
    }
    const objects = [...live.values()];
    const lines = objects.map(([resource, object]) => JSON.stringify({ resource, object, revision: Number(object.metadata.resourceVersion) }));
    lines.push(JSON.stringify({ resource: '', revision }));
    writeFileSync(`${this.#path}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#file = openSync(this.#path, 'a', 0o600);
    return { revision, objects };
  }

  put(resource: string, object: KubeObject): void {
    this.#append({ resource, object, revision: Number(object.metadata.resourceVersion) });
  }

  remove(resource: string, object: KubeObject): void {
    this.#append({ resource, removed: objectKey(object.metadata.namespace, object.metadata.name), revision: Number(object.metadata.resourceVersion) });
  }

  /** Flushes to the disk and closes the file; later changes are not kept. */
  close(): void {
    if (this.#file === undefined) return;
    fsyncSync(this.#file);
    closeSync(this.#file);
    this.#file = undefined;
  }

  #append(line: Line): void {
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  #read(): Line[] {
    if (!existsSync(this.#path)) return [];
    const texts = readFileSync(this.#path, 'utf8').split('\n').filter((text) => text !== '');
    const lines: Line[] = [];
    for (const [index, text] of texts.entries()) {
      try {
        lines.push(JSON.parse(text) as Line);
      } catch (cause) {
        // A torn last line is what a crash leaves; anything else is damage that a person has to see.
        if (index !== texts.length - 1) throw new Error(`${this.#path}:${String(index + 1)}: not a JSON line; remove the directory to start empty`, { cause });
      }
    }
    return lines;
  }
}
