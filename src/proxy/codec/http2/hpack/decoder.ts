// Decodes header blocks (RFC 7541) of one connection, with its dynamic table. What breaks the compression throws, as the table is lost with it; a field that HTTP/2 forbids marks the
// block as malformed and is still taken into the table, so that the connection goes on.
import { EMPTY } from '../../api.ts';
import { ConnectionError, ErrorCode } from '../wire/protocol.ts';
import { BAD_NAME, fieldName } from './field-names.ts';
import { huffmanDecode } from './huffman.ts';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD, FIRST_DYNAMIC_INDEX, STATIC_TABLE } from './static-table.ts';

// No control character but the tab, and no blank at either end (RFC 9113 section 8.2.1).
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/;

/** Limits of one decoded block. */
export interface BlockLimits {
  /** Of names and values together. */
  readonly maximumBytes: number;
  readonly maximumFields: number;
}

/** The decoding side of a connection. */
export class HpackDecoder {
  /** Names and values of the last block, in turns; empty again with the next. */
  fields: string[] = [];
  /** Why the last block is no valid message, empty when it may be one. */
  malformed = '';
  /** The last block went beyond its limits; its further fields were decoded and dropped. */
  tooLarge = false;
  /** Names that the last block asked never to be indexed. */
  neverIndexed: string[] | null = null;
  #names: string[] = [];
  #values: string[] = [];
  #sizes: number[] = [];
  #tableBytes = 0;
  #tableLimit: number;
  /** What the peer was told: its encoder may use less. */
  readonly #mostTableBytes: number;
  #source: Buffer = EMPTY;
  #position = 0;
  #end = 0;
  #bytes = 0;
  /** A cookie may come in many pieces, which are one field (RFC 9113 section 8.2.3). */
  #cookies = 0;
  #sizeUpdates = 0;

  constructor(tableBytes = DEFAULT_TABLE_BYTES) {
    this.#mostTableBytes = tableBytes;
    // Until it has heard of our limit the peer takes the usual one.
    this.#tableLimit = DEFAULT_TABLE_BYTES;
  }

  /** Decodes the whole block from `start` to `end`; the results are in the fields of this object. */
  decode(source: Buffer, start: number, end: number, limits: BlockLimits): void {
    this.fields = [];
    this.malformed = '';
    this.tooLarge = false;
    this.neverIndexed = null;
    this.#source = source;
    this.#position = start;
    this.#end = end;
    this.#bytes = 0;
    this.#cookies = 0;
    this.#sizeUpdates = 0;
    while (this.#position < end) this.#next(source[this.#position] ?? 0, limits);
    this.#source = EMPTY;
  }

  #next(first: number, limits: BlockLimits): void {
    if (first >= 128) {
      this.#indexed(this.#integer(first, 127), limits);
      return;
    }
    if (first >= 64) this.#literal(this.#integer(first, 63), true, limits);
    else if (first >= 32) {
      this.#resize(this.#integer(first, 31));
      return;
    } else this.#literal(this.#integer(first, 15), false, limits, first >= 16);
    this.#sizeUpdates = 2;
  }

  #indexed(index: number, limits: BlockLimits): void {
    this.#sizeUpdates = 2;
    if (index < FIRST_DYNAMIC_INDEX) {
      const entry = STATIC_TABLE[index];
      if (index === 0 || !entry) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_header_index');
      this.#emit(entry[0], entry[1], limits);
      return;
    }
    const at = this.#names.length - 1 - (index - FIRST_DYNAMIC_INDEX);
    const name = this.#names[at];
    if (name === undefined) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_header_index');
    this.#emit(name, this.#values[at] ?? '', limits);
  }

  #literal(index: number, keep: boolean, limits: BlockLimits, never = false): void {
    let name: string;
    let nameBytes: number;
    if (index === 0) {
      const raw = this.#string();
      nameBytes = raw.length;
      name = fieldName(raw);
    } else {
      name = this.#nameAt(index);
      nameBytes = name.length;
    }
    const value = this.#string();
    const good = name !== BAD_NAME && !BAD_VALUE.test(value);
    if (keep) this.#insert(good ? name : BAD_NAME, value, nameBytes + value.length + ENTRY_OVERHEAD);
    if (never && good) (this.neverIndexed ??= []).push(name);
    this.#emit(good ? name : BAD_NAME, value, limits);
  }

  #nameAt(index: number): string {
    const name = index < FIRST_DYNAMIC_INDEX ? STATIC_TABLE[index]?.[0] : this.#names[this.#names.length - 1 - (index - FIRST_DYNAMIC_INDEX)];
    if (name === undefined) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_header_index');
    return name;
  }

  #emit(name: string, value: string, limits: BlockLimits): void {
    if (name === BAD_NAME) {
      this.malformed = 'http2.invalid_header_field';
      return;
    }
    this.#bytes += name.length + value.length;
    if (name === 'cookie') this.#cookies += 1;
    if (this.#bytes > limits.maximumBytes || (this.fields.length >> 1) - this.#cookies >= limits.maximumFields) this.tooLarge = true;
    else this.fields.push(name, value);
  }

  /** An integer (RFC 7541 section 5.1) whose first byte has the prefix `mask`. */
  #integer(first: number, mask: number): number {
    this.#position += 1;
    let value = first & mask;
    if (value < mask) return value;
    // Four further bytes reach beyond every size there is.
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.#position >= this.#end) break;
      const byte = this.#source[this.#position] ?? 0;
      this.#position += 1;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_header_integer');
  }

  #string(): string {
    if (this.#position >= this.#end) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.truncated_header_block');
    const first = this.#source[this.#position] ?? 0;
    const length = this.#integer(first, 127);
    const start = this.#position;
    if (length > this.#end - start) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.truncated_header_block');
    this.#position = start + length;
    if (first < 128) return length === 0 ? '' : this.#source.toString('latin1', start, start + length);
    const text = huffmanDecode(this.#source, start, start + length);
    if (text === undefined) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_huffman_code');
    return text;
  }

  // Only at the beginning of a block, at most twice (section 4.2).
  #resize(limit: number): void {
    this.#sizeUpdates += 1;
    if (this.#sizeUpdates > 2 || limit > Math.max(this.#mostTableBytes, DEFAULT_TABLE_BYTES)) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'http2.invalid_table_size_update');
    this.#tableLimit = limit;
    this.#evict(0);
  }

  #insert(name: string, value: string, size: number): void {
    this.#evict(size);
    if (size > this.#tableLimit) return;
    this.#names.push(name);
    this.#values.push(value);
    this.#sizes.push(size);
    this.#tableBytes += size;
  }

  #evict(room: number): void {
    let gone = 0;
    while (this.#tableBytes > 0 && this.#tableBytes + room > this.#tableLimit) {
      this.#tableBytes -= this.#sizes[gone] ?? 0;
      gone += 1;
    }
    if (gone === 0) return;
    // At most 128 entries fit into the table.
    this.#names.splice(0, gone);
    this.#values.splice(0, gone);
    this.#sizes.splice(0, gone);
  }
}
