// Values as Go's formatter prints them, which is how the real server shows patches in its messages.
import { isFields } from './merge-schema.ts';

/** `map[a:1 b:[x y]]`: maps by sorted keys, strings without quotes. */
export function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isFields(value)) return `map[${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, child]) => `${name}:${goText(child)}`).join(' ')}]`;
  return value === null || value === undefined ? '<nil>' : String(value);
}
