// The types that Kubernetes adds to CEL: URLs, addresses, networks and quantities.
import type { Environment } from '@marcbachmann/cel-js';
import { isIpv4, isIpv6 } from './formats.ts';
import { parseQuantity, type Quantity } from './quantities.ts';

class CelUrl {
  readonly url: URL;
  /** As it was written: the parser fills in a path. */
  readonly text: string;
  constructor(text: string) {
    this.url = new URL(text.startsWith('/') ? `file://${text}` : text);
    this.text = text;
  }
}

class CelIp {
  readonly text: string;
  readonly value: bigint;
  readonly family: number;
  constructor(text: string) {
    if (!isIpv4(text) && !isIpv6(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
    this.text = text;
    this.family = isIpv4(text) ? 4 : 6;
    this.value = this.family === 4 ? text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n) : readIpv6(text);
  }
}

class CelCidr {
  readonly ip: CelIp;
  readonly bits: number;
  constructor(text: string) {
    const [address = '', bits = ''] = text.split('/', 2);
    if (!isNetwork(text)) throw new Error(`network address parse error during conversion from string: ${text}`);
    this.ip = new CelIp(address);
    this.bits = Number(bits);
  }

  contains(other: CelIp): boolean {
    const shift = BigInt((this.ip.family === 4 ? 32 : 128) - this.bits);
    return other.family === this.ip.family && other.value >> shift === this.ip.value >> shift;
  }
}

class CelQuantity {
  readonly quantity: Quantity;
  constructor(quantity: Quantity | string) {
    if (typeof quantity === 'string') throw new Error(quantity);
    this.quantity = quantity;
  }

  get nano(): bigint {
    return this.quantity.nano;
  }
}

const BILLION = 1_000_000_000n;

function readIpv6(text: string): bigint {
  const [head = '', tail] = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_match, a: string, b: string, c: string, d: string) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`).split('::', 2);
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...middle, ...right].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function isNetwork(text: string): boolean {
  const [address = '', bits = ''] = text.split('/', 2);
  return /^\d{1,3}$/.test(bits) && ((isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128));
}

const within = (ip: CelIp, networks: readonly string[]): boolean => networks.some((network) => new CelCidr(network).contains(ip));
const compare = (left: CelQuantity, right: CelQuantity): bigint => (left.nano < right.nano ? -1n : left.nano > right.nano ? 1n : 0n);
const whole = ({ nano }: CelQuantity): bigint => {
  if (nano % BILLION !== 0n) throw new Error('cannot convert value to integer');
  return nano / BILLION;
};
const sum = (left: CelQuantity, nano: bigint): CelQuantity => new CelQuantity({ ...left.quantity, nano: left.nano + nano });

/** Adds the types with their functions. */
export function registerKubernetesTypes(environment: Environment): Environment {
  environment.registerType('kubernetes.URL', { ctor: CelUrl }).registerType('net.IP', { ctor: CelIp }).registerType('net.CIDR', { ctor: CelCidr }).registerType('kubernetes.Quantity', { ctor: CelQuantity });
  registerUrls(environment);
  registerAddresses(environment);
  return registerQuantities(environment);
}

function registerUrls(environment: Environment): void {
  environment
    .registerFunction('url(string): kubernetes.URL', (text: string) => new CelUrl(text))
    .registerFunction('kubernetes.URL.getScheme(): string', ({ url, text }: CelUrl) => (text.startsWith('/') ? '' : url.protocol.slice(0, -1)))
    .registerFunction('kubernetes.URL.getHost(): string', ({ url }: CelUrl) => url.host)
    .registerFunction('kubernetes.URL.getHostname(): string', ({ url }: CelUrl) => url.hostname.replace(/^\[|\]$/g, ''))
    .registerFunction('kubernetes.URL.getPort(): string', ({ url }: CelUrl) => url.port)
    .registerFunction('kubernetes.URL.getEscapedPath(): string', ({ url, text }: CelUrl) => (url.pathname === '/' && !/[^/]\/($|[?#])/.test(text) ? '' : url.pathname))
    .registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', ({ url }: CelUrl) => new Map([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])));
}

function registerAddresses(environment: Environment): void {
  environment
    .registerFunction('isCIDR(string): bool', isNetwork)
    .registerFunction('ip(string): net.IP', (text: string) => new CelIp(text))
    .registerFunction('net.IP.family(): int', ({ family }: CelIp) => BigInt(family))
    .registerFunction('net.IP.isLoopback(): bool', (ip: CelIp) => within(ip, ['127.0.0.0/8', '::1/128']))
    .registerFunction('net.IP.isUnspecified(): bool', ({ value }: CelIp) => value === 0n)
    .registerFunction('net.IP.isLinkLocalMulticast(): bool', (ip: CelIp) => within(ip, ['224.0.0.0/24', 'ff02::/16']))
    .registerFunction('net.IP.isLinkLocalUnicast(): bool', (ip: CelIp) => within(ip, ['169.254.0.0/16', 'fe80::/10']))
    .registerFunction('net.IP.isGlobalUnicast(): bool', (ip: CelIp) => ip.value !== 0n && !within(ip, ['127.0.0.0/8', '::1/128', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10', '255.255.255.255/32']))
    .registerFunction('cidr(string): net.CIDR', (text: string) => new CelCidr(text))
    .registerFunction('net.CIDR.containsIP(string): bool', (network: CelCidr, text: string) => network.contains(new CelIp(text)))
    .registerFunction('net.CIDR.containsIP(net.IP): bool', (network: CelCidr, ip: CelIp) => network.contains(ip))
    .registerFunction('net.CIDR.containsCIDR(string): bool', (network: CelCidr, text: string) => holds(network, new CelCidr(text)))
    .registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', holds)
    .registerFunction('net.CIDR.ip(): net.IP', ({ ip }: CelCidr) => ip)
    .registerFunction('net.CIDR.prefixLength(): int', ({ bits }: CelCidr) => BigInt(bits));
}

function holds(network: CelCidr, other: CelCidr): boolean {
  return other.bits >= network.bits && network.contains(other.ip);
}

function registerQuantities(environment: Environment): Environment {
  return environment
    .registerFunction('quantity(string): kubernetes.Quantity', (text: string) => new CelQuantity(parseQuantity(text)))
    .registerFunction('kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool', (left: CelQuantity, right: CelQuantity) => left.nano > right.nano)
    .registerFunction('kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool', (left: CelQuantity, right: CelQuantity) => left.nano < right.nano)
    .registerFunction('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', compare)
    .registerFunction('kubernetes.Quantity.sign(): int', ({ nano }: CelQuantity) => (nano < 0n ? -1n : nano > 0n ? 1n : 0n))
    .registerFunction('kubernetes.Quantity.isInteger(): bool', ({ nano }: CelQuantity) => nano % BILLION === 0n)
    .registerFunction('kubernetes.Quantity.asInteger(): int', whole)
    .registerFunction('kubernetes.Quantity.asApproximateFloat(): double', ({ nano }: CelQuantity) => Number(nano) / 1e9)
    .registerFunction('kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity', (left: CelQuantity, right: CelQuantity) => sum(left, right.nano))
    .registerFunction('kubernetes.Quantity.add(int): kubernetes.Quantity', (left: CelQuantity, right: bigint) => sum(left, right * BILLION))
    .registerFunction('kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity', (left: CelQuantity, right: CelQuantity) => sum(left, -right.nano))
    .registerFunction('kubernetes.Quantity.sub(int): kubernetes.Quantity', (left: CelQuantity, right: bigint) => sum(left, -right * BILLION));
}
