// Header blocks of SPDY/3 (draft 3, section 2.6.10): pairs of sized texts, compressed with one zlib stream for each direction of a connection.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { headerDictionary } from './header-dictionary.ts';

/** Longest compressed block that is read; a block of this size can never grow over what the inflater may hold, so that it always comes to its end. */
const MAX_BLOCK = 4096;
const MAX_INFLATED = 8 * 1024 * 1024;
const MAX_HEADERS = 64;

/** Names in lower case, with their values. */
export type Headers = ReadonlyMap<string, string>;

/** Reads the header blocks of one connection, in the order in which they came. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH, readableHighWaterMark: MAX_INFLATED } as object);

  constructor() {
    this.#inflate.on('error', () => undefined); // The read that met it throws it.
  }

  /** The headers of the next block; throws when it is malformed. */
  async read(block: Buffer): Promise<Headers> {
    if (block.length > MAX_BLOCK) throw new Error(`a header block of ${String(block.length)} bytes is longer than ${String(MAX_BLOCK)}`);
    return parsePairs(await pass(this.#inflate, block));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

/** Writes the header blocks of one connection, in the order in which they are sent. */
export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });

  constructor() {
    this.#deflate.on('error', () => undefined); // The write that met it throws it.
  }

  write(headers: Headers): Promise<Buffer> {
    const pairs = [...headers].flat().flatMap((text) => [uint32(Buffer.byteLength(text)), Buffer.from(text)]);
    return pass(this.#deflate, Buffer.concat([uint32(headers.size), ...pairs]));
  }

  close(): void {
    this.#deflate.destroy();
  }
}

function pass(stream: Inflate | Deflate, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.write(bytes, (error) => {
      stream.off('error', reject);
      if (error) reject(error);
      else resolve((stream.read() as Buffer | null) ?? Buffer.alloc(0));
    });
  });
}

function parsePairs(block: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new Error('a header block ends early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new Error('a header block ends early');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > MAX_HEADERS) throw new Error(`${String(count)} headers in a block; ${String(MAX_HEADERS)} are read`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) headers.set(text().toLowerCase(), text());
  return headers;
}

/** A number as SPDY writes it. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
