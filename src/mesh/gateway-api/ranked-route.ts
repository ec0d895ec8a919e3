// One match of one rule with its precedence among all that a host has.
import type { ModelHttpRoute } from '../model/gateway-api-configuration.ts';
import { byAge } from './ages.ts';
import type { AnyRoute } from './attachments.ts';

/** An HTTP route with a single match. */
export interface RankedRoute {
  readonly owner: AnyRoute;
  /** What decides, the higher the earlier: kind of path match, its length, method, headers, query parameters. */
  readonly rank: readonly number[];
  readonly rule: number;
  readonly match: number;
  readonly route: ModelHttpRoute;
}

/** Orders by the specification: the most specific match, the oldest route, its name, the first rule, its first match. */
export function byPrecedence(left: RankedRoute, right: RankedRoute): number {
  for (let index = 0; index < left.rank.length; index += 1) {
    const difference = (right.rank[index] ?? 0) - (left.rank[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return byAge(left.owner, right.owner) || left.rule - right.rule || left.match - right.match;
}
