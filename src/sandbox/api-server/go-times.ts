// Times as Go's parser reads them: by a layout, with its words for the place at which a text stops fitting.

const DATE: readonly (readonly [RegExp, string])[] = [[/^\d{4}/, '2006'], [/^-/, '-'], [/^\d\d/, '01'], [/^-/, '-'], [/^\d\d/, '02'], [/^T/, 'T'], [/^\d\d/, '15'], [/^:/, ':'], [/^\d\d/, '04'], [/^:/, ':'], [/^\d\d/, '05']];
const ZONE: readonly [RegExp, string] = [/^(Z|[+-]\d\d:\d\d)$/, 'Z07:00'];
const WHOLE = '2006-01-02T15:04:05Z07:00';
const MICRO = '2006-01-02T15:04:05.000000Z07:00';

/** A time in its canonical form, in UTC, or what is wrong with it. */
export function canonicalTime(text: string, isMicro: boolean): { readonly time: string } | { readonly problem: string } {
  const layout = [...DATE, isMicro ? [/^\.\d{6}/, '.000000'] as const : [/^(\.\d+)?/, ''] as const, ZONE];
  let rest = text;
  for (const [pattern, element] of layout) {
    const found = pattern.exec(rest);
    if (!found) return { problem: `parsing time ${JSON.stringify(text)} as "${isMicro ? MICRO : WHOLE}": cannot parse ${JSON.stringify(rest)} as "${element}"` };
    rest = rest.slice(found[0].length);
  }
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return { problem: `parsing time ${JSON.stringify(text)}: day out of range` };
  return { time: `${date.toISOString().slice(0, 19)}${isMicro ? (/\.\d{6}/.exec(text)?.[0] ?? '') : ''}Z` };
}
