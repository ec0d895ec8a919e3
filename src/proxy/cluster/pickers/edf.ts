// Earliest deadline first: a weighted schedule in which what weighs w comes w times as often, evenly spread. A binary heap by deadline.

interface Entry<T> { readonly item: T; deadline: number; order: number }

/** A schedule; `weightOf` is asked again each time an item is put back. */
export class EdfSchedule<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #weightOf: (item: T) => number;
  #now = 0;
  #order = 0;

  constructor(items: readonly T[], weightOf: (item: T) => number) {
    this.#weightOf = weightOf;
    for (const item of items) {
      this.#push({ item, deadline: 1 / weightOf(item), order: this.#order });
      this.#order += 1;
    }
  }

  next(): T | null {
    const entry = this.#pop();
    if (!entry) return null;
    this.#now = entry.deadline;
    entry.deadline = this.#now + 1 / this.#weightOf(entry.item);
    entry.order = this.#order;
    this.#order += 1;
    this.#push(entry);
    return entry.item;
  }

  /** Passes over the next `count`, so that many proxies do not all begin with the same. */
  skip(count: number): void {
    for (let left = count; left > 0; left -= 1) this.next();
  }

  #push(entry: Entry<T>): void {
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

  #pop(): Entry<T> | undefined {
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

function before<T>(left: Entry<T>, right: Entry<T>): boolean {
  return left.deadline < right.deadline || (left.deadline === right.deadline && left.order < right.order);
}
