// Field selectors, for example `metadata.name=a,status.phase!=Running`. A resource says which fields it can select by.
import type { KubeObject } from './kube-object.ts';
import { SelectorError } from './label-selector.ts';

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: string;
  readonly value: string;
  readonly negated: boolean;
}

/** Splits a field selector into its terms; throws SelectorError when it cannot be read. */
export function parseFieldSelector(text: string): FieldTerm[] {
  return text.split(',').filter((part) => part !== '').map((part) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
    if (!match) throw new SelectorError(`invalid selector: '${part}'; can't understand '${part}'`);
    return { path: (match[1] ?? '').trim(), value: match[3] ?? '', negated: match[2] === '!=' };
  });
}

/** Whether `object` satisfies every term; a missing field reads as the empty string, a missing count as 0. */
export function matchesFields(object: KubeObject, terms: readonly FieldTerm[]): boolean {
  return terms.every((term) => (readField(object, term.path) === term.value) !== term.negated);
}

/** The text at a dotted path of an object. */
export function readField(object: unknown, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[step];
  }
  if (value === undefined || value === null) return path === 'status.replicas' ? '0' : '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
