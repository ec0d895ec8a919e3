// Durations as options and Istio's objects write them: protobuf JSON (`1.5s`) and Go (`1m30s`, `500ms`).

const UNIT_MILLISECONDS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, 'µs': 0.001, ns: 0.000_001 };

/** Milliseconds of `text`, or undefined when it is not a duration. */
export function parseDuration(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === '0') return 0;
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|us|µs|ns|m|s))+)$/.exec(text);
  if (!match) return undefined;
  let total = 0;
  for (const [, amount = '0', unit = 's'] of (match[2] ?? '').matchAll(/(\d+(?:\.\d*)?)(h|ms|us|µs|ns|m|s)/g)) {
    total += Number(amount) * (UNIT_MILLISECONDS[unit] ?? 0);
  }
  return match[1] === '-' ? -total : total;
}
