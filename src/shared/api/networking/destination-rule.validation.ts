// The webhook's semantic checks of DestinationRule: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { DestinationRule } from './destination-rule.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateDestinationRule(object: DestinationRule): Issue[] {
  void object;
  return [];
}
