// What a client carries of its session: the endpoint's address, for cookies in a small message (envoy.Cookie { string address = 1; uint64 expires = 2 }),
// in base64. Values of a bare address, as older proxies wrote them, are read too.

/** An address as a cookie's value; `expires` in seconds since 1970, 0 for none. */
export function cookieValueOf(address: string, expires: number): string {
  const text = Buffer.from(address, 'latin1');
  const bytes = [0x0a, ...varint(text.length), ...text];
  if (expires > 0) bytes.push(0x10, ...varint(expires));
  return Buffer.from(bytes).toString('base64');
}

/** The address in a cookie's value; undefined when there is none or its time is over. */
export function addressOfCookie(value: string, nowSeconds: number): string | undefined {
  const bytes = Buffer.from(value, 'base64');
  if (bytes[0] !== 0x0a) return plainAddress(bytes.toString('latin1'));
  const [length, start] = readVarint(bytes, 1);
  const address = bytes.toString('latin1', start, start + length);
  let expires = 0;
  if (bytes[start + length] === 0x10) [expires] = readVarint(bytes, start + length + 1);
  return address.length === length && (expires === 0 || expires > nowSeconds) ? plainAddress(address) : undefined;
}

/** An address as a header's value. */
export function headerValueOf(address: string): string {
  return Buffer.from(address, 'latin1').toString('base64');
}

/** The address in a header's value. */
export function addressOfHeader(value: string): string | undefined {
  return plainAddress(Buffer.from(value, 'base64').toString('latin1'));
}

function plainAddress(text: string): string | undefined {
  return /^[0-9a-fA-F:.[\]]{3,64}$/.test(text) ? text : undefined;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

function readVarint(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0;
  let factor = 1;
  let index = start;
  for (; index < start + 8; index += 1) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) break;
  }
  return [value, index + 1];
}
