// Sets and removes parameters of a request's query. As in Envoy, the parameters are sorted by name when something changes, and stay as they were encoded.

/** What can stand in a parameter: what a URL's query may hold, without what separates parameters. */
const ENCODED = /^(?:[A-Za-z0-9\-._~!$'()*+,;:@/?]|%[0-9A-Fa-f]{2})*$/;

/** `path` with its query changed; null when a name or value to set is not percent-encoded. */
export function changeQuery(path: string, set: readonly (readonly [string, string])[], remove: readonly string[]): string | null {
  if (set.some(([name, value]) => !ENCODED.test(name) || !ENCODED.test(value))) return null;
  const cut = path.indexOf('?');
  const parameters = new Map<string, string[]>();
  for (const part of (cut < 0 ? '' : path.slice(cut + 1)).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const values = parameters.get(name);
    const value = equals < 0 ? '' : part.slice(equals + 1);
    if (values) values.push(value);
    else parameters.set(name, [value]);
  }
  for (const [name, value] of set) parameters.set(name, [value]);
  for (const name of remove) parameters.delete(name);
  const query = [...parameters].sort(([left], [right]) => (left < right ? -1 : 1)).flatMap(([name, values]) => values.map((value) => `${name}=${value}`)).join('&');
  const plain = cut < 0 ? path : path.slice(0, cut);
  return query === '' ? plain : `${plain}?${query}`;
}
