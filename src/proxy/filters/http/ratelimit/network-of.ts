// The network of an address, as Envoy writes it: the address with all but its first bits cleared, and their number.
import { SocketAddress } from 'node:net';

/** `10.1.2.3` of 16 bits is `10.1.0.0/16`. */
export function networkOf(address: string, bits: number): string {
  return address.includes(':') ? `${version6(address, bits)}/${bits}` : `${version4(address, bits)}/${bits}`;
}

function version4(address: string, bits: number): string {
  return address.split('.').map((byte, index) => Number(byte) & maskByte(bits - index * 8)).join('.');
}

/** The leading bits of a byte of which `bits` more are kept. */
function maskByte(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
}

function version6(address: string, bits: number): string {
  const groups = groupsOf(new SocketAddress({ address, family: 'ipv6' }).address);
  const masked = groups.map((group, index) => (group & ((maskByte(bits - index * 16) << 8) | maskByte(bits - index * 16 - 8))).toString(16));
  return new SocketAddress({ address: masked.join(':'), family: 'ipv6' }).address;
}

/** The eight groups of an address in its short form. */
function groupsOf(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) => `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`);
  const [head = '', tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(zeros).fill('0'), ...last].map((group) => Number.parseInt(group, 16));
}
