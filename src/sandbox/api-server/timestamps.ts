// Times as the API writes them: RFC 3339 in whole seconds.

/** `date` (now when absent) without fractions of a second. */
export function timestamp(date: Date = new Date()): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
