// Label selectors in objects: what is wrong with one, and whether labels match it.
import { forbiddenField, invalidField, requiredField, type FieldError } from '../../schema/index.ts';
import { compileLabelSelector } from '../../store/index.ts';
import { validateKey, validateLabels } from '../names.ts';

/** A selector as objects have it. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

interface Requirement { readonly key: string; readonly operator: string; readonly values?: readonly string[] }

/** What is wrong with a selector; an absent one is nothing wrong. */
export function validateSelector(selector: Selector | null | undefined, path: string): FieldError[] {
  const expressions = selector?.matchExpressions ?? [];
  return [...validateLabels(selector?.matchLabels, `${path}.matchLabels`), ...expressions.flatMap((requirement, index) => validateRequirement(requirement, `${path}.matchExpressions[${String(index)}]`))];
}

function validateRequirement({ key, operator, values = [] }: Requirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(requiredField(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else errors.push(invalidField(`${path}.operator`, operator, 'not a valid selector operator'));
  return [...errors, ...validateKey(key, `${path}.key`)];
}

/** Whether nothing is asked for. */
export function isEmptySelector(selector: Selector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** Whether `labels` are selected; an absent selector selects nothing. */
export function selects(selector: Selector | null | undefined, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector !== null && selector !== undefined && compileLabelSelector(selector as Parameters<typeof compileLabelSelector>[0])(labels);
}
