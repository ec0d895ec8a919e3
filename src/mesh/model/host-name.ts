// Host names: full names from short ones, and wildcard matching as Istio does it.

/** The full name of `host` as written in `namespace`: a name without dots is a Service beside the object that names it. */
export function resolveHost(host: string, namespace: string, domain: string): string {
  if (host === '*' || host.includes('.') || host === '') return host.toLowerCase();
  return `${host}.${namespace}.svc.${domain}`.toLowerCase();
}

/** Whether a host has a wildcard as its first label, or is `*`. */
export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** Whether `pattern` (exact or wildcard) covers everything that `host` (exact or wildcard) covers. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (!isWildcard(pattern)) return pattern === host;
  const suffix = pattern.slice(1);
  return isWildcard(host) ? host.slice(1).endsWith(suffix) : host.length > suffix.length && host.endsWith(suffix);
}

/** Whether some host is covered by both. */
export function hostsOverlap(left: string, right: string): boolean {
  return hostCovers(left, right) || hostCovers(right, left);
}

/** The narrower of two overlapping hosts. */
export function narrowerHost(left: string, right: string): string {
  return hostCovers(left, right) ? right : left;
}

/** The most specific of `patterns` that covers `host`: exact before wildcard, longer before shorter, first before later. */
export function mostSpecificMatch<T>(items: Iterable<T>, hostOf: (item: T) => string, host: string): T | undefined {
  let best: T | undefined;
  let bestRank = -1;
  for (const item of items) {
    const pattern = hostOf(item);
    if (!hostCovers(pattern, host)) continue;
    const rank = isWildcard(pattern) ? pattern.length : Number.MAX_SAFE_INTEGER;
    if (rank > bestRank) {
      best = item;
      bestRank = rank;
    }
  }
  return best;
}
