// HPACK's static table (RFC 7541 appendix A). Used by both directions.

/** Names and values by index; 0 is no index. */
export const STATIC_TABLE: readonly (readonly [name: string, value: string])[] = [
  ['', ''],
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'], [':scheme', 'http'], [':scheme', 'https'],
  [':status', '200'], [':status', '204'], [':status', '206'], [':status', '304'], [':status', '400'], [':status', '404'], [':status', '500'],
  ['accept-charset', ''], ['accept-encoding', 'gzip, deflate'], ['accept-language', ''], ['accept-ranges', ''], ['accept', ''], ['access-control-allow-origin', ''],
  ['age', ''], ['allow', ''], ['authorization', ''], ['cache-control', ''], ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''],
  ['content-length', ''], ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''], ['expect', ''],
  ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''], ['if-none-match', ''], ['if-range', ''], ['if-unmodified-since', ''],
  ['last-modified', ''], ['link', ''], ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''], ['proxy-authorization', ''], ['range', ''], ['referer', ''],
  ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''], ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''],
  ['vary', ''], ['via', ''], ['www-authenticate', ''],
];

/** Where the dynamic table begins. */
export const FIRST_DYNAMIC_INDEX = STATIC_TABLE.length;
/** What an entry costs beside its characters (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;
/** Of either direction, until settings say otherwise. */
export const DEFAULT_TABLE_BYTES = 4096;

/** The first index of each name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = firstIndexes();

function firstIndexes(): ReadonlyMap<string, number> {
  const indexes = new Map<string, number>();
  STATIC_TABLE.forEach(([name], index) => {
    if (index > 0 && !indexes.has(name)) indexes.set(name, index);
  });
  return indexes;
}
