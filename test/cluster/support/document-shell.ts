// Reads the console blocks of a page and runs their commands in one shell, as a reader would type them.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A command of a page with what the page says it prints. */
export interface DocumentedCommand {
  readonly section: string;
  readonly command: string;
  /** Lines; `...` stands for anything. Empty when the page shows none. */
  readonly output: readonly string[];
  /** A program that the command needs and most machines lack. */
  readonly needs?: string;
}

/** The commands of a page's console blocks in their order; only those from one section on, or before another. */
export function commandsOf(root: string, page: string, { from, to }: { readonly from?: string; readonly to?: string } = {}): DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let section = '';
  let block: { readonly needs: string | undefined } | undefined;
  let active = from === undefined;
  let current: { command: string; output: string[] } | undefined;
  const finish = (): void => {
    if (current !== undefined && active) commands.push({ section, ...current, ...(block?.needs === undefined ? {} : { needs: block.needs }) });
    current = undefined;
  };
  for (const line of readFileSync(join(root, page), 'utf8').split('\n')) {
    const fence = /^```(\w*)(?: needs=(\w+))?$/.exec(line);
    if (fence !== null) {
      finish();
      block = block === undefined && fence[1] === 'console' ? { needs: fence[2] } : undefined;
    } else if (block !== undefined) {
      if (line.startsWith('$ ')) {
        finish();
        current = { command: line.slice(2), output: [] };
      } else if (current !== undefined && (line === '>' || line.startsWith('> ')) && current.output.length === 0) current.command += `\n${line.slice(2)}`;
      else current?.output.push(line);
    } else if (line.startsWith('#')) {
      section = line.replace(/^#+ /, '');
      if (from !== undefined && section === from) active = true;
      if (to !== undefined && section === to) active = false;
    }
  }
  return commands;
}

/** Whether a text is what the lines say: a line `...` stands for any lines or none, `...` within a line for any characters. Space counts as one blank. */
export function matchesText(text: string, lines: readonly string[]): boolean {
  const squeezed = (line: string): string => line.trim().replace(/\s+/g, ' ');
  const pattern = lines.map((line) => (line.trim() === '...' ? '(?:.*\\n)*' : `${squeezed(line).split(/ ?\.\.\. ?/).map(escapeRegExp).join('.*')}\\n`)).join('');
  const actual = text.split('\n').map(squeezed).join('\n').replace(/\n*$/, '\n');
  return new RegExp(`^${pattern}$`).test(text.trim() === '' ? '' : actual);
}

function escapeRegExp(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

/** A shell that keeps its variables and jobs between commands. */
export class DocumentShell {
  readonly #shell: ChildProcess;
  #output = '';
  #waiting: ((text: string) => void) | undefined;

  constructor(folder: string, environment: Readonly<Record<string, string>>) {
    // Job control, so that `kill %1` means what it does at a prompt; a group of its own, so that all of it can be ended.
    this.#shell = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk;
        this.#waiting?.(this.#output);
      });
    }
    this.#shell.stdin?.write('set -m\n');
  }

  /** Runs a command; resolves with its status and all that it printed. */
  async run(command: string, timeoutMilliseconds: number): Promise<{ readonly status: number; readonly output: string }> {
    const mark = randomUUID();
    this.#output = '';
    this.#shell.stdin?.write(`${command}\nprintf '%s %s\\n' ${mark} "$?"\n`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`\`${command}\` is not done after ${timeoutMilliseconds / 1000} s; so far it printed:\n${this.#output}`)), timeoutMilliseconds);
      this.#waiting = (text) => {
        const end = new RegExp(`${mark} (\\d+)\\n`).exec(text);
        if (end === null) return;
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve({ status: Number(end[1]), output: text.slice(0, end.index) });
      };
    });
  }

  /** Ends the shell with all that it started. */
  close(): void {
    if (this.#shell.pid !== undefined) process.kill(-this.#shell.pid, 'SIGKILL');
  }
}
