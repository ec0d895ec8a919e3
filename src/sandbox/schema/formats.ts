// The string formats that Kubernetes checks; a format that is not known is not checked.

const CHECKS: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(value) && !Number.isNaN(Date.parse(value)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)),
  byte: (value) => /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value),
  duration: (value) => /^[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h|d|w)\s*)+$/.test(value) || value === '0',
  ipv4: isIpv4,
  ipv6: isIpv6,
  cidr: (value) => /^[^/]+\/\d{1,3}$/.test(value) && (isIpv4(value.split('/')[0] ?? '') || isIpv6(value.split('/')[0] ?? '')),
  uri: (value) => URL.canParse(value),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  email: (value) => /^[^@\s]+@[^@\s]+$/.test(value),
  hostname: (value) => value.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(value),
};

/** Whether `value` has the format. */
export function checkFormat(format: string, value: string): boolean {
  return CHECKS[format]?.(value) ?? true;
}

/** Whether `value` is an IPv4 address in dotted form. */
export function isIpv4(value: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(value) && value.split('.').every((part) => Number(part) < 256 && (part === '0' || !part.startsWith('0')));
}

/** Whether `value` is an IPv6 address. */
export function isIpv6(value: string): boolean {
  return value.includes(':') && URL.canParse(`http://[${value}]/`);
}
