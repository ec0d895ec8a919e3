// IP addresses in objects: which are addresses at all, and which no endpoint can have.
import { invalidField, isIpv4, isIpv6, type FieldError } from '../../schema/index.ts';

/** What is said of a text that is no address. */
export const ADDRESS_RULE = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Whether `text` is an IP address. */
export function isAddress(text: unknown): text is string {
  return typeof text === 'string' && (isIpv4(text) || isIpv6(text));
}

/** What keeps `address` from being that of an endpoint. */
export function validateEndpointAddress(address: string, path: string): FieldError[] {
  if (!isAddress(address)) return [invalidField(path, address, ADDRESS_RULE)];
  const refuse = (detail: string): FieldError[] => [invalidField(path, address, detail)];
  if (address === '0.0.0.0' || address === '::') return refuse(`may not be unspecified (${address})`);
  // The pods of the sandbox itself are in 127/8.
  if (address === '::1') return refuse('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (address.startsWith('169.254.') || /^fe[89ab]/i.test(address)) return refuse('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (address.startsWith('224.0.0.') || /^ff02:/i.test(address)) return refuse('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return [];
}
