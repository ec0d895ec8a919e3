// Claims of a verified token as request headers.
import { isHeaderValue } from '../../../config/wire-text.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';

/** Adds `claim` of `payload` as `name`; returns whether there was anything to add. What no header can hold (line breaks) is left out. */
export function addClaimHeader(headers: RequestHeaders, name: string, payload: Readonly<Record<string, unknown>>, claim: string): boolean {
  const text = claimText(claimAt(payload, claim));
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  if (text === '' || !isHeaderValue(bytes)) return false;
  headers.add(name, bytes);
  return true;
}

/** A claim by its own name, or by names with dots between into objects. */
function claimAt(payload: Readonly<Record<string, unknown>>, claim: string): unknown {
  if (Object.hasOwn(payload, claim)) return payload[claim];
  let value: unknown = payload;
  for (const name of claim.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** As Envoy writes it: whole numbers without point, others with six places, lists and objects as JSON in base64. */
function claimText(value: unknown): string {
  switch (typeof value) {
    case 'string': return value;
    case 'boolean': return String(value);
    case 'number': return Number.isInteger(value) && value >= 0 && value < 2 ** 64 ? BigInt(value).toString() : value.toFixed(6);
    case 'object': return value === null ? '' : Buffer.from(JSON.stringify(value)).toString('base64');
    default: return '';
  }
}
