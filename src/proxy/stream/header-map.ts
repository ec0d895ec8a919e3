// HTTP headers: ordered, lower-case names, byte strings (latin1) as values. Names and values alternate in one array, and look-ups scan it:
// a message has about twenty headers, for which this is cheaper than any map. Made by codecs, read and changed by filters and routes.
import type { HeaderReader } from './stream-info.ts';

/** An ordered list of headers. */
export class HeaderMap implements HeaderReader {
  /** Name, value, name, value, ...; codecs append to it directly. */
  readonly items: string[];

  constructor(items: string[] = []) {
    this.items = items;
  }

  /** How many headers there are. */
  get count(): number {
    return this.items.length >> 1;
  }

  /** All values of `name` joined with a comma. */
  get(name: string): string | undefined {
    const { items } = this;
    let found: string | undefined;
    for (let index = 0; index < items.length; index += 2) {
      if (items[index] === name) found = found === undefined ? items[index + 1] : `${found},${items[index + 1] ?? ''}`;
    }
    return found;
  }

  /** Every value of `name` on its own. */
  getAll(name: string): string[] {
    const { items } = this;
    const found: string[] = [];
    for (let index = 0; index < items.length; index += 2) if (items[index] === name) found.push(items[index + 1] ?? '');
    return found;
  }

  has(name: string): boolean {
    const { items } = this;
    for (let index = 0; index < items.length; index += 2) if (items[index] === name) return true;
    return false;
  }

  /** Adds a value after those that are there. */
  add(name: string, value: string): void {
    this.items.push(name, value);
  }

  /** Replaces every value of `name` by one, in the place of the first. */
  set(name: string, value: string): void {
    const { items } = this;
    for (let index = 0; index < items.length; index += 2) {
      if (items[index] !== name) continue;
      items[index + 1] = value;
      this.#removeFrom(index + 2, name);
      return;
    }
    items.push(name, value);
  }

  /** Removes every value of `name`; returns whether there was one. */
  remove(name: string): boolean {
    return this.#removeFrom(0, name);
  }

  /** Removes the headers whose names `test` accepts. */
  removeIf(test: (name: string) => boolean): void {
    const { items } = this;
    let kept = 0;
    for (let index = 0; index < items.length; index += 2) {
      const name = items[index] ?? '';
      if (test(name)) continue;
      items[kept] = name;
      items[kept + 1] = items[index + 1] ?? '';
      kept += 2;
    }
    items.length = kept;
  }

  #removeFrom(start: number, name: string): boolean {
    const { items } = this;
    let kept = start;
    for (let index = start; index < items.length; index += 2) {
      if (items[index] === name) continue;
      if (kept !== index) {
        items[kept] = items[index] ?? '';
        items[kept + 1] = items[index + 1] ?? '';
      }
      kept += 2;
    }
    const removed = kept !== items.length;
    items.length = kept;
    return removed;
  }
}

/** Headers of a request, with its pseudo-headers as fields; `get` answers `:method` and the like too. */
export class RequestHeaders extends HeaderMap {
  method = 'GET';
  path = '/';
  authority = '';
  scheme = 'http';
  /** HTTP/1 Upgrade type, or the `:protocol` of an extended CONNECT; empty for none. */
  upgrade = '';
  /** Names of headers that HTTP/2 may never index on the way (RFC 7541 section 7.1.3), as their sender asked; null for none. */
  neverIndexed: readonly string[] | null = null;

  override get(name: string): string | undefined {
    return name.charCodeAt(0) === 58 ? this.#pseudo(name) : super.get(name);
  }

  override set(name: string, value: string): void {
    if (name.charCodeAt(0) !== 58) {
      super.set(name, value);
      if (name === 'host') this.authority = value;
    } else if (name === ':path') this.path = value;
    else if (name === ':authority') this.authority = value;
    else if (name === ':method') this.method = value;
    else if (name === ':scheme') this.scheme = value;
  }

  override has(name: string): boolean {
    return name.charCodeAt(0) === 58 ? this.#pseudo(name) !== undefined : super.has(name);
  }

  /** A copy that may be changed on its own. */
  clone(): RequestHeaders {
    const copy = new RequestHeaders([...this.items]);
    copy.method = this.method;
    copy.path = this.path;
    copy.authority = this.authority;
    copy.scheme = this.scheme;
    copy.upgrade = this.upgrade;
    copy.neverIndexed = this.neverIndexed;
    return copy;
  }

  #pseudo(name: string): string | undefined {
    switch (name) {
      case ':path': return this.method === 'CONNECT' && this.path === '' ? undefined : this.path;
      case ':method': return this.method;
      case ':authority': return this.authority;
      case ':scheme': return this.scheme;
      case ':protocol': return this.upgrade === '' ? undefined : this.upgrade;
      default: return undefined;
    }
  }
}

/** Headers of a response, with its status. */
export class ResponseHeaders extends HeaderMap {
  status = 200;

  override get(name: string): string | undefined {
    return name === ':status' ? String(this.status) : super.get(name);
  }
}
