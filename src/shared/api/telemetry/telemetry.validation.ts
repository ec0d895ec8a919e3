// The webhook's semantic checks of Telemetry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Telemetry } from './telemetry.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateTelemetry(object: Telemetry): Issue[] {
  void object;
  return [];
}
