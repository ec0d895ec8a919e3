// When a CronJob is due: the schedules of the cron format that Kubernetes reads, on top of a library for its five fields.
import { Cron } from 'croner';
import { describeError } from '../../shared/lib/index.ts';

/** Times at which something is due. */
export interface CronSchedule {
  /** The first time after `after`; undefined when there is none any more. */
  next(after: Date): Date | undefined;
}

const DESCRIPTORS: Readonly<Record<string, string>> = { '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *' };
const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Reads a schedule; throws when it is none. Without a time zone it is that of the controller. */
export function parseSchedule(text: string, timeZone?: string): CronSchedule {
  const schedule = text.trim();
  if (schedule.startsWith('@every ')) return everyInterval(schedule.slice('@every '.length));
  if (/^(CRON_)?TZ=/.test(schedule)) throw new Error('a schedule names no time zone: use spec.timeZone');
  const fields = DESCRIPTORS[schedule] ?? schedule;
  if (fields.startsWith('@')) throw new Error(`unrecognized descriptor: ${fields}`);
  const count = fields.split(/\s+/).length;
  if (count !== 5) throw new Error(`expected exactly 5 fields, found ${String(count)}: [${fields}]`);
  // A question mark is another word for any; the library takes it for the present.
  const cron = new Cron(fields.replaceAll('?', '*'), { paused: true, mode: '5-part', ...(timeZone === undefined ? {} : { timezone: timeZone }) });
  return { next: (after) => cron.nextRun(after) ?? undefined };
}

/** A constant distance, of whole seconds and at least one. */
function everyInterval(text: string): CronSchedule {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) throw new Error(`failed to parse duration @every ${text}`);
  const milliseconds = parts.reduce((sum, [, number = '0', unit = 's']) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
  const distance = Math.max(1000, Math.floor(milliseconds / 1000) * 1000);
  return { next: (after) => new Date(Math.floor(after.getTime() / 1000) * 1000 + distance) };
}

/** Why a time zone is none; undefined when it is one. */
export function timeZoneProblem(timeZone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

/** The last time up to `now` at which something was due since `earliest`, and how many there were about; undefined when there was none. */
export function lastDue(schedule: CronSchedule, earliest: Date, now: Date): { readonly time: Date; readonly missed: number } | undefined {
  const first = schedule.next(earliest);
  if (!first || first > now) return undefined;
  const second = schedule.next(first);
  if (!second || second > now) return { time: first, missed: 0 };
  // A schedule that was asleep for a year is not walked through: its last time is looked for a few steps back, then twice as far.
  const distance = second.getTime() - first.getTime();
  const missed = Math.floor((now.getTime() - first.getTime()) / distance) + 1;
  for (let back = 2 * distance; ; back *= 2) {
    const from = Math.max(first.getTime() - 1000, now.getTime() - back);
    const time = lastBetween(schedule, new Date(from), now);
    if (time) return { time, missed };
  }
}

function lastBetween(schedule: CronSchedule, from: Date, to: Date): Date | undefined {
  let time: Date | undefined;
  for (let next = schedule.next(from); next && next <= to; next = schedule.next(next)) time = next;
  return time;
}
