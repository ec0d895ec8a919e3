import { describe, expect, it } from 'vitest';
import { lastDue, parseSchedule, timeZoneProblem } from './cron-schedule.ts';

const at = (text: string): Date => new Date(`${text}Z`);
const next = (schedule: string, after: string, timeZone = 'UTC'): string | undefined => parseSchedule(schedule, timeZone).next(at(after))?.toISOString().slice(0, 16);

describe('parseSchedule', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:30', '2026-01-01T00:01'],
    ['*/15 3 * * *', '2026-01-01T03:46:00', '2026-01-02T03:00'],
    ['0 0 1 JAN ?', '2026-01-01T00:00:00', '2027-01-01T00:00'],
    ['30 9 * * MON-FRI', '2026-01-02T10:00:00', '2026-01-05T09:30'],
    // Day of the month or of the week, when both are named.
    ['0 0 13 * 5', '2026-01-03T00:00:00', '2026-01-09T00:00'],
    ['@hourly', '2026-01-01T00:00:00', '2026-01-01T01:00'],
    ['@weekly', '2026-01-01T00:00:00', '2026-01-04T00:00'],
    ['@every 1h30m', '2026-01-01T00:00:00', '2026-01-01T01:30'],
  ])('%s after %s is %s', (schedule, after, expected) => { expect(next(schedule, after)).toBe(expected); });

  it('counts in the time zone that is named', () => {
    expect(next('0 6 * * *', '2026-07-01T00:00:00', 'Europe/Berlin')).toBe('2026-07-01T04:00');
    expect(timeZoneProblem('Europe/Berlin')).toBeUndefined();
    expect(timeZoneProblem('Mars/Base')).toMatch(/Mars\/Base/);
  });

  it.each(['', '* * * *', '* * * * * *', '61 * * * *', '@sometimes', '@every soon', 'TZ=UTC * * * * *', 'a b c d e'])('%j is no schedule', (text) => { expect(() => parseSchedule(text)).toThrow(); });

  it('ends where no day is left', () => { expect(parseSchedule('0 0 30 2 *', 'UTC').next(at('2026-01-01T00:00:00'))).toBeUndefined(); });
});

describe('lastDue', () => {
  it('is the last time up to now, also after a long sleep', () => {
    const schedule = parseSchedule('*/5 * * * *', 'UTC');
    expect(lastDue(schedule, at('2026-01-01T00:00:00'), at('2026-01-01T00:04:59'))).toBeUndefined();
    expect(lastDue(schedule, at('2026-01-01T00:00:00'), at('2026-01-01T00:05:00'))).toEqual({ time: at('2026-01-01T00:05:00'), missed: 0 });
    expect(lastDue(schedule, at('2026-01-01T00:00:00'), at('2026-01-01T00:17:00'))).toEqual({ time: at('2026-01-01T00:15:00'), missed: 3 });
    expect(lastDue(schedule, at('2025-01-01T00:00:00'), at('2026-01-01T00:02:00'))?.time).toEqual(at('2026-01-01T00:00:00'));
  });

  it('finds the last of a schedule whose distances differ', () => {
    expect(lastDue(parseSchedule('0 9 * * MON-FRI', 'UTC'), at('2026-01-01T00:00:00'), at('2026-03-01T12:00:00'))?.time).toEqual(at('2026-02-27T09:00:00'));
  });
});
