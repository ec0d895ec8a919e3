// The health of the server as probes ask for it: /healthz, /livez and /readyz, as a whole, check by check, or one check alone.

const CHECKS: readonly string[] = ['ping', 'log', 'etcd', 'poststarthook/start-apiextensions-controllers', 'poststarthook/crd-informer-synced', 'poststarthook/rbac/bootstrap-roles', 'poststarthook/start-service-ip-repair-controllers'];
const OF_PATH: Readonly<Record<string, readonly string[]>> = { healthz: CHECKS, livez: CHECKS, readyz: [...CHECKS, 'informer-sync', 'shutdown'] };

/** The text of a health path; undefined when there is no such check. */
export function healthText(path: string, query: URLSearchParams): { readonly text: string; readonly isWhole: boolean } | undefined {
  const [, root = '', check] = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(path) ?? [];
  const checks = OF_PATH[root];
  if (!checks) return undefined;
  if (check !== undefined) return checks.includes(check) ? { text: 'ok', isWhole: false } : undefined;
  const excluded = query.getAll('exclude');
  if (!query.has('verbose')) return { text: 'ok', isWhole: true };
  const unknown = excluded.filter((name) => !checks.includes(name));
  const lines = checks.map((name) => `[+]${name} ${excluded.includes(name) ? 'excluded: ok' : 'ok'}`);
  const remark = unknown.length === 0 ? [] : [`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(',')}`];
  return { text: `${[...lines, ...remark].join('\n')}\n${root} check passed\n`, isWhole: true };
}
