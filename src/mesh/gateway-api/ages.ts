// The order in which objects take precedence: the oldest first, then by namespace and name.
import { createdAt } from '../model/services.ts';

interface Aged {
  readonly metadata: { readonly creationTimestamp?: string | undefined; readonly namespace?: string | undefined; readonly name: string };
}

/** Compares two objects by precedence. */
export function byAge(left: Aged, right: Aged): number {
  return createdAt(left.metadata) - createdAt(right.metadata) || compareText(fullName(left), fullName(right));
}

function fullName({ metadata }: Aged): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Compares two texts by code units. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
