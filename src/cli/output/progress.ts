// Shows what is being started and how far it is: lines that change in place on a terminal, one line a change elsewhere.

/** Where text goes. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** How one item stands. */
export type ItemState = 'waiting' | 'working' | 'done' | 'failed';

const marks: Readonly<Record<ItemState, string>> = { waiting: '·', working: '…', done: '✓', failed: '✗' };
const colors: Readonly<Record<ItemState, string>> = { waiting: '\u001b[2m', working: '\u001b[36m', done: '\u001b[32m', failed: '\u001b[31m' };
const RESET = '\u001b[0m';

interface Item { readonly title: string; state: ItemState; detail: string; startedAt: number; seconds: number | undefined }

/** A list of items with states. */
export class Progress {
  readonly #sink: TextSink;
  readonly #now: () => number;
  readonly #items = new Map<string, Item>();
  #drawnLines = 0;

  constructor(sink: TextSink, now: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#now = now;
  }

  /** Sets an item's state, and what is told beside it. A new title becomes a new line. */
  set(title: string, state: ItemState, detail = ''): void {
    const now = this.#now();
    const item = this.#items.get(title) ?? { title, state: 'waiting', detail: '', startedAt: now, seconds: undefined };
    const same = this.#items.has(title) && item.state === state && item.detail === detail;
    this.#items.set(title, item);
    if (same) return;
    if (state === 'working' && item.state !== 'working') item.startedAt = now;
    item.seconds = state === 'done' || state === 'failed' ? (now - item.startedAt) / 1000 : undefined;
    const stateChanged = item.state !== state;
    item.state = state;
    item.detail = detail;
    if (this.#sink.isTTY) this.#redraw();
    else if (stateChanged || detail !== '') this.#sink.write(`${renderItem(item)}\n`);
  }

  /** Runs work under a title: working, then done with what it returns as detail, or failed. */
  async run<T>(title: string, work: (report: (detail: string) => void) => Promise<T>, describe: (value: T) => string = () => ''): Promise<T> {
    this.set(title, 'working');
    try {
      const value = await work((detail) => this.set(title, 'working', detail));
      this.set(title, 'done', describe(value));
      return value;
    } catch (error) {
      this.set(title, 'failed', error instanceof Error ? firstLine(error.message) : String(error));
      throw error;
    }
  }

  /** Leaves the lines as they are; what is written next comes below. */
  settle(): void {
    this.#drawnLines = 0;
    this.#items.clear();
  }

  #redraw(): void {
    const lines = [...this.#items.values()].map((item) => `\u001b[2K${colors[item.state]}${renderItem(item)}${RESET}\n`);
    this.#sink.write(`${this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : ''}${lines.join('')}`);
    this.#drawnLines = lines.length;
  }
}

function renderItem(item: Item): string {
  const time = item.seconds === undefined ? '' : ` (${item.seconds.toFixed(1)} s)`;
  return `${marks[item.state]} ${item.title}${time}${item.detail ? `: ${firstLine(item.detail).slice(0, 160)}` : ''}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
