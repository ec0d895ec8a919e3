// Label selectors: the query parameter's text form and the LabelSelector object form, both compiled to one predicate.
import { parseRequirements, SelectorError, type LabelRequirement } from './label-selector-parser.ts';

export { SelectorError, type LabelRequirement };

/** Whether an object with these labels is meant. */
export type LabelPredicate = (labels: Readonly<Record<string, string>> | undefined) => boolean;

/** The LabelSelector object of the API. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelRequirement[];
}

/** Compiles the text form, for example `app=web,tier in (a, b),!old`. */
export function parseLabelSelector(text: string): LabelPredicate {
  if (text.trim() === '') return () => true;
  return requireAll(parseRequirements(text));
}

/** Compiles the object form; an absent selector matches nothing and an empty one everything. */
export function compileLabelSelector(selector: LabelSelectorObject | undefined | null): LabelPredicate {
  if (!selector) return () => false;
  const exact = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  return requireAll([...exact, ...(selector.matchExpressions ?? [])]);
}

function requireAll(requirements: readonly LabelRequirement[]): LabelPredicate {
  const predicates = requirements.map(compileRequirement);
  return (labels) => predicates.every((predicate) => predicate(labels));
}

function compileRequirement({ key, operator, values = [] }: LabelRequirement): LabelPredicate {
  const wanted = new Set(values);
  const bound = Number(values[0]);
  switch (operator) {
    case 'In': return (labels) => labels?.[key] !== undefined && wanted.has(labels[key]);
    case 'NotIn': return (labels) => labels?.[key] === undefined || !wanted.has(labels[key]);
    case 'Exists': return (labels) => labels?.[key] !== undefined;
    case 'DoesNotExist': return (labels) => labels?.[key] === undefined;
    case 'Gt': return (labels) => labels?.[key] !== undefined && Number(labels[key]) > bound;
    case 'Lt': return (labels) => labels?.[key] !== undefined && Number(labels[key]) < bound;
    default: throw new SelectorError(`"${operator}" is not a valid label selector operator`);
  }
}
