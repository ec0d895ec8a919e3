// Ports, addresses, ranges and interfaces as people write them in annotations and on command lines.

/** Whether `value` is a port number from 1 to 65535, in decimal digits. */
export function isPortText(value: string): boolean {
  return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

/** Whether `value` can be the name of a Linux interface; a `+` at its end stands for any rest, as in iptables. */
export function isInterfaceName(value: string): boolean {
  return /^[A-Za-z0-9_.+-]{1,15}$/.test(value) && !value.startsWith('-');
}

/** Whether `value` is an IPv4 or IPv6 address, with a prefix length or without. */
export function isAddressRange(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  if (rest.length > 0) return false;
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
}

function isIPv4(address: string): boolean {
  const parts = address.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIPv6(address: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(address)) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true;
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (embedded && !isIPv4(last ?? '')) return false;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}
