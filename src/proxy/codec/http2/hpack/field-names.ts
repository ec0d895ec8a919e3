// Names of fields as they come off the wire, checked once and made one string for each name: comparing two of them is comparing two pointers. Used by the HPACK decoder.
import { STATIC_NAMES } from './static-table.ts';

/** A name that no field of HTTP/2 may have (RFC 9113 section 8.2.1). */
export const BAD_NAME = '';

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const MAXIMUM_KNOWN_NAMES = 2000;
/** Bounded, so that a peer cannot fill memory with names. */
const known = new Map<string, string>([...STATIC_NAMES.keys()].map((name) => [name, name]));
for (const name of [':protocol', 'connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings', 'te', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'grpc-status', 'grpc-message', 'grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'traceparent', 'tracestate', 'b3']) known.set(name, name);

/** The one string for the name `raw`; `BAD_NAME` when it is none. */
export function fieldName(raw: string): string {
  const name = known.get(raw);
  if (name !== undefined) return name;
  if (!NAME.test(raw)) return BAD_NAME;
  if (known.size < MAXIMUM_KNOWN_NAMES) known.set(raw, raw);
  return raw;
}
