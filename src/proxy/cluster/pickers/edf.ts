// Earliest deadline first: a weighted schedule in which a host of weight w comes w times as often, evenly spread. A binary heap by deadline.
import type { Host } from '../host.ts';

interface Entry { readonly host: Host; deadline: number; order: number }

/** A schedule over hosts; `weightOf` is asked again each time a host is put back. */
export class EdfSchedule {
  readonly #heap: Entry[] = [];
  readonly #weightOf: (host: Host) => number;
  #now = 0;
  #order = 0;

  constructor(hosts: readonly Host[], weightOf: (host: Host) => number) {
    this.#weightOf = weightOf;
    for (const host of hosts) {
      this.#push({ host, deadline: 1 / weightOf(host), order: this.#order });
      this.#order += 1;
    }
  }

  next(): Host | null {
    const entry = this.#pop();
    if (!entry) return null;
    this.#now = entry.deadline;
    entry.deadline = this.#now + 1 / this.#weightOf(entry.host);
    entry.order = this.#order;
    this.#order += 1;
    this.#push(entry);
    return entry.host;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || !before(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      const left = heap[child];
      if (!left) break;
      const right = heap[child + 1];
      if (right && before(right, left)) child += 1;
      const smaller = heap[child];
      if (!smaller || !before(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(left: Entry, right: Entry): boolean {
  return left.deadline < right.deadline || (left.deadline === right.deadline && left.order < right.order);
}
