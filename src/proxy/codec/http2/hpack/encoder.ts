// Encodes header blocks (RFC 7541) of one connection. A value goes into the dynamic table when it is seen for the second time, so that what is different in each message (paths, ids, dates) does
// not push out what repeats; a repeated field is found by two look-ups and takes a byte or two. Credentials are never indexed (section 7.1.3).
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD, FIRST_DYNAMIC_INDEX, STATIC_NAMES, STATIC_TABLE } from './static-table.ts';

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// A character that does not fit into a byte is cut down to one, and could become a line break.
const BAD_VALUE = /[\0\r\n]|[^\x00-\xff]/;
/** They belong to one connection (RFC 9113 section 8.2.2); Host is told by :authority. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'host']);
const CREDENTIALS = new Set(['authorization', 'proxy-authorization']);
/** Shorter cookies could be guessed by somebody who sees lengths. */
const SHORT_COOKIE = 20;
/** Larger values would push out too many others. */
const MAXIMUM_INDEXED_VALUE = 1024;
const MAXIMUM_NAMES = 256;

/** What is known of one name on this connection. */
interface NameState {
  readonly name: string;
  readonly staticIndex: number;
  readonly kind: 'plain' | 'credential' | 'cookie' | 'te' | 'omitted';
  /** Values in the tables: negative is an index of the static table, else the number of the insertion. Shared by all connections until `ownsValues`. */
  values: ReadonlyMap<string, number> | null;
  ownsValues: boolean;
  /** Hashes of the last values that were not indexed. */
  seenA: number;
  seenB: number;
}

/** The static table's entries by name and value, as negative indexes. */
const STATIC_VALUES: ReadonlyMap<string, ReadonlyMap<string, number>> = staticValues();

function staticValues(): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const names = new Map<string, Map<string, number>>();
  STATIC_TABLE.forEach(([name, value], index) => {
    if (index > 0) names.set(name, (names.get(name) ?? new Map<string, number>()).set(value, -index));
  });
  return names;
}

function ownValues(state: NameState): Map<string, number> {
  if (!state.ownsValues) state.values = new Map(state.values);
  state.ownsValues = true;
  return state.values as Map<string, number>;
}

interface Entry { readonly state: NameState; readonly value: string; readonly size: number }

let scratch = Buffer.allocUnsafeSlow(8192);

/** The encoding side of a connection. */
export class HpackEncoder {
  /** Where the block ends in `block`. */
  length = 0;
  readonly #states = new Map<string, NameState>();
  #entries: Entry[] = [];
  /** Insertions that are gone from the front of `#entries`. */
  #evicted = 0;
  #tableBytes = 0;
  #tableLimit = DEFAULT_TABLE_BYTES;
  readonly #mostTableBytes: number;
  #lastNameIndex = 0;
  /** Smallest and last limit that the peer has not been told of; -1 for none. */
  #smallestLimit = -1;
  #newLimit = -1;

  /** Uses no larger a table than `tableBytes`, whatever the peer would take. */
  constructor(tableBytes = DEFAULT_TABLE_BYTES) {
    this.#mostTableBytes = tableBytes;
    if (tableBytes < DEFAULT_TABLE_BYTES) this.setTableLimit(tableBytes);
  }

  /** The buffer that blocks are written into: valid until any encoder begins another. */
  get block(): Buffer {
    return scratch;
  }

  /** The peer's decoder takes a table of so many bytes. */
  setTableLimit(bytes: number): void {
    const limit = Math.min(bytes, this.#mostTableBytes);
    if (this.#newLimit < 0 && limit === this.#tableLimit) return;
    this.#smallestLimit = this.#smallestLimit < 0 ? limit : Math.min(this.#smallestLimit, limit);
    this.#newLimit = limit;
  }

  /** Starts a block. */
  begin(): void {
    this.length = 0;
    if (this.#newLimit < 0) return;
    if (this.#smallestLimit < this.#newLimit) this.#resize(this.#smallestLimit);
    this.#resize(this.#newLimit);
    this.#smallestLimit = -1;
    this.#newLimit = -1;
  }

  /** Adds names and values in turns; `never` names fields that came with the request not to index them. */
  fields(items: readonly string[], never: readonly string[] | null): void {
    for (let index = 0; index < items.length; index += 2) {
      const name = items[index] ?? '';
      if (name.charCodeAt(0) !== 58) this.field(name, items[index + 1] ?? '', never !== null && never.includes(name));
    }
  }

  /** Adds one field; one that HTTP/2 forbids is left out. */
  field(name: string, value: string, never = false): void {
    const state = this.#states.get(name) ?? this.#learn(name);
    const known = state.values?.get(value);
    if (known !== undefined && !never) {
      this.#integer(128, 127, known < 0 ? -known : FIRST_DYNAMIC_INDEX + this.#evicted + this.#entries.length - 1 - known);
      return;
    }
    if (state.kind === 'omitted' || BAD_VALUE.test(value)) return;
    if (state.kind === 'te' && value !== 'trailers') return;
    if (never || state.kind === 'credential' || (state.kind === 'cookie' && value.length < SHORT_COOKIE)) this.#literal(state, value, 16, 15);
    else if (this.#isWorthIndexing(state, value)) this.#index(state, value);
    else this.#literal(state, value, 0, 15);
  }

  #learn(name: string): NameState {
    const lower = name.toLowerCase();
    const kind = CONNECTION_HEADERS.has(lower) || !NAME.test(lower) ? 'omitted' : CREDENTIALS.has(lower) ? 'credential' : lower === 'cookie' ? 'cookie' : lower === 'te' ? 'te' : 'plain';
    const staticIndex = STATIC_NAMES.get(lower) ?? 0;
    const state: NameState = { name: lower, staticIndex, kind, values: kind === 'omitted' ? null : (STATIC_VALUES.get(lower) ?? null), ownsValues: false, seenA: 0, seenB: 0 };
    if (this.#states.size < MAXIMUM_NAMES) this.#states.set(name, state);
    return state;
  }

  #isWorthIndexing(state: NameState, value: string): boolean {
    if (value.length > MAXIMUM_INDEXED_VALUE || this.#tableLimit === 0) return false;
    let hash = value.length + 1;
    for (let index = 0; index < value.length; index += 1) hash = (Math.imul(hash, 31) + value.charCodeAt(index)) | 0;
    if (hash === state.seenA || hash === state.seenB) return true;
    state.seenB = state.seenA;
    state.seenA = hash;
    return false;
  }

  #index(state: NameState, value: string): void {
    const size = state.name.length + value.length + ENTRY_OVERHEAD;
    this.#literal(state, value, 64, 63);
    this.#evict(size);
    if (size > this.#tableLimit) return;
    // A kept string must not hold the message it was cut from.
    const kept = Buffer.from(value, 'latin1').toString('latin1');
    ownValues(state).set(kept, this.#evicted + this.#entries.length);
    this.#entries.push({ state, value: kept, size });
    this.#tableBytes += size;
  }

  #literal(state: NameState, value: string, pattern: number, mask: number): void {
    this.#room(state.name.length + value.length * 4 + 32);
    this.#integer(pattern, mask, this.#nameIndex(state));
    if (this.#lastNameIndex === 0) this.#string(state.name, true);
    // Values that do not repeat are written as they are: their bytes cost less than the time to shorten them.
    this.#string(value, pattern === 64);
  }

  #nameIndex(state: NameState): number {
    let index = state.staticIndex;
    if (index === 0 && state.values !== null) {
      for (const known of state.values.values()) {
        index = FIRST_DYNAMIC_INDEX + this.#evicted + this.#entries.length - 1 - known;
        break;
      }
    }
    this.#lastNameIndex = index;
    return index;
  }

  #string(text: string, compress: boolean): void {
    const short = compress ? huffmanLength(text) : text.length;
    if (short < text.length) {
      this.#integer(128, 127, short);
      this.length = huffmanEncode(text, scratch, this.length);
      return;
    }
    this.#integer(0, 127, text.length);
    const start = this.length;
    if (text.length > 24) scratch.write(text, start, text.length, 'latin1');
    else for (let index = 0; index < text.length; index += 1) scratch[start + index] = text.charCodeAt(index);
    this.length = start + text.length;
  }

  #integer(pattern: number, mask: number, value: number): void {
    if (scratch.length < this.length + 8) this.#room(8);
    if (value < mask) {
      scratch[this.length] = pattern | value;
      this.length += 1;
      return;
    }
    scratch[this.length] = pattern | mask;
    this.length += 1;
    let rest = value - mask;
    for (; rest > 127; rest >>>= 7) {
      scratch[this.length] = (rest & 127) | 128;
      this.length += 1;
    }
    scratch[this.length] = rest;
    this.length += 1;
  }

  #room(bytes: number): void {
    if (scratch.length >= this.length + bytes) return;
    const larger = Buffer.allocUnsafeSlow((this.length + bytes) * 2);
    scratch.copy(larger, 0, 0, this.length);
    scratch = larger;
  }

  #resize(limit: number): void {
    this.#integer(32, 31, limit);
    this.#tableLimit = limit;
    this.#evict(0);
  }

  #evict(room: number): void {
    let gone = 0;
    while (this.#tableBytes > 0 && this.#tableBytes + room > this.#tableLimit) {
      const entry = this.#entries[gone];
      if (!entry) break;
      this.#tableBytes -= entry.size;
      const values = ownValues(entry.state);
      if (values.get(entry.value) === this.#evicted + gone) values.delete(entry.value);
      gone += 1;
    }
    if (gone === 0) return;
    this.#entries.splice(0, gone);
    this.#evicted += gone;
  }
}
