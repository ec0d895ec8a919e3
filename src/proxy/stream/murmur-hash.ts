// MurmurHash64A of byte strings with the seed of libstdc++'s std::hash, which Envoy's ring hash offers beside xxHash64. Pure. Runs when rings are built.

const MASK = 0xffffffffffffffffn;
const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;

/** MurmurHash64A of `text`, each character one byte. */
export function murmurHash64(text: string): bigint {
  const { length } = text;
  let hash = SEED ^ ((BigInt(length) * MULTIPLIER) & MASK);
  let offset = 0;
  for (; offset + 8 <= length; offset += 8) {
    const mixed = mix((bytes(text, offset, 8) * MULTIPLIER) & MASK);
    hash = ((hash ^ ((mixed * MULTIPLIER) & MASK)) * MULTIPLIER) & MASK;
  }
  if (offset < length) hash = ((hash ^ bytes(text, offset, length - offset)) * MULTIPLIER) & MASK;
  return mix((mix(hash) * MULTIPLIER) & MASK);
}

function mix(value: bigint): bigint {
  return value ^ (value >> 47n);
}

/** `count` bytes as a number, the first the least significant. */
function bytes(text: string, offset: number, count: number): bigint {
  let value = 0n;
  for (let index = count - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(text.charCodeAt(offset + index) & 0xff);
  return value;
}
