// Whether a key set in a RequestAuthentication has a key that proxies can use, by its form (RFC 7517, RFC 7518 section 6). Envoy refuses a whole listener whose key set has
// none, so translation and the webhook look at the same thing.

const MEMBERS: Readonly<Record<string, readonly string[]>> = { RSA: ['n', 'e'], EC: ['x', 'y'], OKP: ['crv', 'x'], oct: ['k'] };

/** The keys of a key set; undefined when `jwks` is none. */
export function keysOf(jwks: string): readonly unknown[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(jwks);
  } catch {
    return undefined;
  }
  const keys = (parsed as { readonly keys?: unknown } | null)?.keys;
  return Array.isArray(keys) ? keys : undefined;
}

/** Whether `key` has a known type and its members. */
export function isUsableKey(key: unknown): boolean {
  if (typeof key !== 'object' || key === null) return false;
  const record = key as Readonly<Record<string, unknown>>;
  const members = typeof record['kty'] === 'string' && Object.hasOwn(MEMBERS, record['kty']) ? MEMBERS[record['kty']] : undefined;
  return members?.every((member) => typeof record[member] === 'string' && /^[A-Za-z0-9_-]+$/.test(record[member])) ?? false;
}
