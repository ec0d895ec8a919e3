// xxHash64 of byte strings, as Envoy's consistent hashing uses it. Pure. Runs once a request on hash routes and when rings are built.

const MASK = 0xffffffffffffffffn;
const PRIME1 = 0x9e3779b185ebca87n;
const PRIME2 = 0xc2b2ae3d27d4eb4fn;
const PRIME3 = 0x165667b19e3779f9n;
const PRIME4 = 0x85ebca77c2b2ae63n;
const PRIME5 = 0x27d4eb2f165667c5n;

/** Rotates the 64-bit `value` left. */
export function rotateLeft64(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

/** xxHash64 of `text`, each character one byte. */
export function xxHash64(text: string, seed = 0n): bigint {
  const { length } = text;
  let offset = 0;
  let hash: bigint;
  if (length >= 32) {
    let a = (seed + PRIME1 + PRIME2) & MASK;
    let b = (seed + PRIME2) & MASK;
    let c = seed & MASK;
    let d = (seed - PRIME1) & MASK;
    for (; offset <= length - 32; offset += 32) {
      a = round(a, read64(text, offset));
      b = round(b, read64(text, offset + 8));
      c = round(c, read64(text, offset + 16));
      d = round(d, read64(text, offset + 24));
    }
    hash = (rotateLeft64(a, 1n) + rotateLeft64(b, 7n) + rotateLeft64(c, 12n) + rotateLeft64(d, 18n)) & MASK;
    for (const lane of [a, b, c, d]) hash = ((hash ^ round(0n, lane)) * PRIME1 + PRIME4) & MASK;
  } else hash = (seed + PRIME5) & MASK;
  return avalanche(tail(text, offset, (hash + BigInt(length)) & MASK));
}

function tail(text: string, start: number, from: bigint): bigint {
  let hash = from;
  let offset = start;
  for (; offset + 8 <= text.length; offset += 8) hash = (rotateLeft64(hash ^ round(0n, read64(text, offset)), 27n) * PRIME1 + PRIME4) & MASK;
  if (offset + 4 <= text.length) {
    hash = (rotateLeft64(hash ^ ((BigInt(read32(text, offset)) * PRIME1) & MASK), 23n) * PRIME2 + PRIME3) & MASK;
    offset += 4;
  }
  for (; offset < text.length; offset += 1) hash = (rotateLeft64(hash ^ ((BigInt(text.charCodeAt(offset) & 0xff) * PRIME5) & MASK), 11n) * PRIME1) & MASK;
  return hash;
}

function avalanche(value: bigint): bigint {
  let hash = value;
  hash = ((hash ^ (hash >> 33n)) * PRIME2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * PRIME3) & MASK;
  return hash ^ (hash >> 32n);
}

function round(accumulator: bigint, input: bigint): bigint {
  return (rotateLeft64((accumulator + input * PRIME2) & MASK, 31n) * PRIME1) & MASK;
}

function read32(text: string, offset: number): number {
  return ((text.charCodeAt(offset) & 0xff) | ((text.charCodeAt(offset + 1) & 0xff) << 8) | ((text.charCodeAt(offset + 2) & 0xff) << 16) | ((text.charCodeAt(offset + 3) & 0xff) << 24)) >>> 0;
}

function read64(text: string, offset: number): bigint {
  return BigInt(read32(text, offset)) | (BigInt(read32(text, offset + 4)) << 32n);
}
