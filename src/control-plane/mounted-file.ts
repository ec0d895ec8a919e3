// A file of a mounted ConfigMap, read again and again: kubelets swap such files by symbolic links, which file system events do not tell reliably.
import { readFile } from 'node:fs/promises';
import { createLogger } from '../shared/observability/index.ts';

/** Follows one file. */
export class MountedFile {
  readonly name: string;
  readonly #path: string;
  readonly #intervalMilliseconds: number;
  readonly #take: (content: string) => void;
  readonly #log = createLogger('files');
  #content: string | undefined;
  #missing = false;
  #timer: NodeJS.Timeout | undefined;

  /** `take` gets the content at the start and after each change. */
  constructor(path: string, intervalMilliseconds: number, take: (content: string) => void) {
    this.name = `file ${path}`;
    this.#path = path;
    this.#intervalMilliseconds = intervalMilliseconds;
    this.#take = take;
  }

  /** Reads the file and follows it. */
  async start(): Promise<void> {
    await this.#read();
    this.#timer = setInterval(() => void this.#read(), this.#intervalMilliseconds);
  }

  /** Stops following. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    let content: string;
    try {
      content = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (!this.#missing) this.#log.warn({ path: this.#path, error: (error as Error).message }, 'the file cannot be read; what was read before stays in force');
      this.#missing = true;
      return;
    }
    this.#missing = false;
    if (content === this.#content) return;
    this.#content = content;
    this.#take(content);
  }
}
