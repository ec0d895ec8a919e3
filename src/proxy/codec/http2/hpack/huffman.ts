// HPACK's Huffman code (RFC 7541 section 5.2 and appendix B). The code is canonical, so the lengths of its 257 codes are all that is written down here; tables for both directions follow from
// them when the module is loaded. Decoding takes most symbols with one look-up by the next eight bits.

const EOS = 256;
const LONGEST = 30;
/** Length in bits of the code of each byte, sixteen a row, and of the end of string. */
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const codes = new Uint32Array(257);
const lengths = Uint8Array.from(LENGTHS);
/** By the next eight bits: length of the code above the symbol, 0 when the code is longer. */
const short = new Uint16Array(256);
/** Symbols in the order of their codes, and for each length the first code and where its symbols begin. */
const symbols = new Uint16Array(257);
const firstCode = new Uint32Array(LONGEST + 2);
const firstSymbol = new Uint16Array(LONGEST + 2);

let code = 0;
let order = 0;
for (let length = 1; length <= LONGEST; length += 1) {
  firstCode[length] = code;
  firstSymbol[length] = order;
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    if (lengths[symbol] !== length) continue;
    codes[symbol] = code;
    symbols[order] = symbol;
    if (length <= 8) short.fill((length << 8) | symbol, code << (8 - length), (code + 1) << (8 - length));
    code += 1;
    order += 1;
  }
  code *= 2;
}
firstSymbol[LONGEST + 1] = order;

/** How many bytes `text` (latin1) takes in this code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) bits += lengths[text.charCodeAt(index) & 255] ?? 0;
  return (bits + 7) >> 3;
}

/** Writes `text` (latin1) to `target` at `offset`; returns where it ends. There must be room. */
export function huffmanEncode(text: string, target: Uint8Array, offset: number): number {
  let position = offset;
  let bits = 0;
  let pending = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index) & 255;
    const length = lengths[symbol] ?? 0;
    const symbolCode = codes[symbol] ?? 0;
    // At most 7 bits wait, so that 30 more do not fit into 32 bits: long codes go in two parts.
    if (length > 24) {
      bits = (bits << (length - 24)) | (symbolCode >>> 24);
      pending += length - 24;
      for (; pending >= 8; position += 1) target[position] = bits >>> (pending -= 8);
      bits = (bits << 24) | (symbolCode & 0xffffff);
      pending += 24;
    } else {
      bits = (bits << length) | symbolCode;
      pending += length;
    }
    for (; pending >= 8; position += 1) target[position] = bits >>> (pending -= 8);
  }
  if (pending > 0) {
    target[position] = (bits << (8 - pending)) | (255 >> pending);
    position += 1;
  }
  return position;
}

let scratch = Buffer.allocUnsafeSlow(1024);

/** The text (latin1) of the `end - start` bytes in this code; undefined when they are no valid sequence. */
export function huffmanDecode(source: Uint8Array, start: number, end: number): string | undefined {
  // The shortest code has five bits.
  const most = (((end - start) * 8) / 5) | 0;
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most * 2);
  const out = scratch;
  let used = 0;
  let position = start;
  let bits = 0;
  let available = 0;
  for (;;) {
    while (available <= 16 && position < end) {
      bits = ((bits << 8) | (source[position] ?? 0)) & 0xffffff;
      position += 1;
      available += 8;
    }
    if (available < 5) break;
    const next = available >= 8 ? (bits >>> (available - 8)) & 255 : ((bits << (8 - available)) | (255 >> available)) & 255;
    const entry = short[next] ?? 0;
    const length = entry >> 8;
    if (length !== 0) {
      if (length > available) break;
      available -= length;
      out[used] = entry & 255;
    } else {
      if (available < 8) break;
      const long = decodeLong(source, position, end, bits, available);
      if (long < 0) {
        if (long === TRUNCATED) break;
        return undefined;
      }
      out[used] = long & 255;
      // What is left of the bits that were read for it.
      const consumed = long >> 8;
      position = afterPosition;
      available = available + afterLoaded - consumed;
      bits = afterBits;
    }
    used += 1;
  }
  // The rest is padding: the beginning of EOS, shorter than a byte (section 5.2).
  if (position < end || available > 7 || (bits & ((1 << available) - 1)) !== (1 << available) - 1) return undefined;
  return used === 0 ? '' : out.toString('latin1', 0, used);
}

const TRUNCATED = -2;
const INVALID = -1;
let afterPosition = 0;
let afterLoaded = 0;
let afterBits = 0;

/** A code of more than eight bits: its length above its symbol; what follows it is left in the `after` variables. */
function decodeLong(source: Uint8Array, start: number, end: number, bits: number, available: number): number {
  let position = start;
  let loaded = 0;
  let last = bits;
  let value = (bits >>> (available - 8)) & 255;
  let rest = available - 8;
  for (let length = 9; length <= LONGEST; length += 1) {
    if (rest === 0) {
      if (position === end) return TRUNCATED;
      last = source[position] ?? 0;
      position += 1;
      loaded += 8;
      rest = 8;
    }
    rest -= 1;
    value = value * 2 + ((last >>> rest) & 1);
    const index = value - (firstCode[length] ?? 0) + (firstSymbol[length] ?? 0);
    if (index < (firstSymbol[length + 1] ?? 0)) {
      const symbol = symbols[index] ?? EOS;
      if (symbol === EOS) return INVALID;
      afterPosition = position;
      afterLoaded = loaded;
      afterBits = last;
      return (length << 8) | symbol;
    }
  }
  return INVALID;
}
