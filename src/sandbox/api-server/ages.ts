// Ages as kubectl prints them: two units at most, fewer the older.

/** The time since `timestamp` in kubectl's short form. */
export function age(timestamp: string | undefined): string {
  if (timestamp === undefined) return '<unknown>';
  return shortDuration((Date.now() - Date.parse(timestamp)) / 1000);
}

/** Seconds in kubectl's short form, for example `5m30s`, `3h12m`, `4d`. */
export function shortDuration(total: number): string {
  const seconds = Math.max(0, Math.floor(total));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const pair = (big: number, unit: string, small: number, smallUnit: string): string => (small === 0 ? `${String(big)}${unit}` : `${String(big)}${unit}${String(small)}${smallUnit}`);
  if (seconds < 120) return `${String(seconds)}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (hours < 3) return `${String(minutes)}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${String(hours)}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  return days < 730 ? `${String(days)}d` : `${String(Math.floor(days / 365))}y`;
}
