// Label selectors: the query parameter's text form and the LabelSelector object form, both compiled to one predicate.
// Follows the grammar of Kubernetes labels.Parse.

/** Whether an object with these labels is meant. */
export type LabelPredicate = (labels: Readonly<Record<string, string>> | undefined) => boolean;

/** One requirement of a LabelSelector object. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** The LabelSelector object of the API. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelRequirement[];
}

/** A selector that cannot be read. */
export class SelectorError extends Error {}

const KEY = '[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?';
const FORMS: readonly [RegExp, (match: RegExpExecArray) => LabelRequirement][] = [
  [new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`), (m) => ({ key: m[1] ?? '', operator: m[3] === 'in' ? 'In' : 'NotIn', values: (m[4] ?? '').split(',').map((value) => value.trim()) })],
  [new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`), (m) => ({ key: m[1] ?? '', operator: m[3] === '!=' ? 'NotIn' : 'In', values: [m[4] ?? ''] })],
  [new RegExp(`^(${KEY})\\s*([<>])\\s*(-?[0-9]+)$`), (m) => ({ key: m[1] ?? '', operator: m[3] === '>' ? 'Gt' : 'Lt', values: [m[4] ?? ''] })],
  [new RegExp(`^!\\s*(${KEY})$`), (m) => ({ key: m[1] ?? '', operator: 'DoesNotExist' })],
  [new RegExp(`^(${KEY})$`), (m) => ({ key: m[1] ?? '', operator: 'Exists' })],
];

/** Compiles the text form, for example `app=web,tier in (a, b),!old`. */
export function parseLabelSelector(text: string): LabelPredicate {
  if (text.trim() === '') return () => true;
  return requireAll(splitOutsideParentheses(text).map(parseRequirement));
}

/** Compiles the object form; an absent selector matches nothing and an empty one everything. */
export function compileLabelSelector(selector: LabelSelectorObject | undefined | null): LabelPredicate {
  if (!selector) return () => false;
  const exact = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  return requireAll([...exact, ...(selector.matchExpressions ?? [])]);
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function parseRequirement(text: string): LabelRequirement {
  for (const [form, build] of FORMS) {
    const match = form.exec(text);
    if (match) return build(match);
  }
  throw new SelectorError(`unable to parse requirement: found '${text}', expected: a label key, '=', '!=', 'in', 'notin' or '!'`);
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
