// The match conditions of admission webhooks: CEL over the object, the request and what its user may do.
import { Environment } from '@marcbachmann/cel-js';
import { describeError } from '../../shared/lib/index.ts';
import { adaptExpression } from './cel-source.ts';
import { registerKubernetesLibrary } from './cel-library.ts';

/** Answers what a condition asks about the user of the request. */
export interface ConditionAuthorizer {
  allows(question: { readonly verb: string; readonly group: string; readonly resource: string; readonly subresource: string; readonly namespace: string; readonly name: string; readonly path?: string }): boolean;
}

/** What a condition can see. */
export interface ConditionVariables {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: unknown;
  readonly authorizer: ConditionAuthorizer;
}

const REQUEST_FIELDS: ReadonlySet<string> = new Set(['kind', 'resource', 'subResource', 'requestKind', 'requestResource', 'requestSubResource', 'name', 'namespace', 'operation', 'userInfo', 'dryRun', 'options', 'uid']);

/** A question about rights that is still being put together. */
class Check {
  readonly authorizer: ConditionAuthorizer;
  readonly asked: Readonly<Record<string, string>>;

  constructor(authorizer: ConditionAuthorizer, asked: Readonly<Record<string, string>> = {}) {
    this.authorizer = authorizer;
    this.asked = asked;
  }

  with(field: string, value: string): Check {
    return new Check(this.authorizer, { ...this.asked, [field]: value });
  }

  decide(verb: string): Decision {
    const { group = '', resource = '', subresource = '', namespace = '', name = '', path } = this.asked;
    return new Decision(this.authorizer.allows({ verb, group, resource, subresource, namespace, name, ...(path === undefined ? {} : { path }) }));
  }
}

/** The answer to such a question. */
class Decision {
  readonly isAllowed: boolean;

  constructor(isAllowed: boolean) {
    this.isAllowed = isAllowed;
  }
}

const environment = registerKubernetesLibrary(new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false }))
  .registerType('Check', Check)
  .registerType('Decision', Decision)
  .registerVariable('object', 'dyn').registerVariable('oldObject', 'dyn').registerVariable('request', 'dyn').registerVariable('namespaceObject', 'dyn').registerVariable('authorizer', 'Check')
  .registerFunction('Check.path(string): Check', (check: Check, path: string) => check.with('path', path))
  .registerFunction('Check.group(string): Check', (check: Check, group: string) => check.with('group', group))
  .registerFunction('Check.resource(string): Check', (check: Check, resource: string) => check.with('resource', resource))
  .registerFunction('Check.subresource(string): Check', (check: Check, subresource: string) => check.with('subresource', subresource))
  .registerFunction('Check.namespace(string): Check', (check: Check, namespace: string) => check.with('namespace', namespace))
  .registerFunction('Check.name(string): Check', (check: Check, name: string) => check.with('name', name))
  .registerFunction('Check.check(string): Decision', (check: Check, verb: string) => check.decide(verb))
  .registerFunction('Decision.allowed(): bool', (decision: Decision) => decision.isAllowed)
  .registerFunction('Decision.errored(): bool', () => false)
  .registerFunction('Decision.error(): string', () => '')
  .registerFunction('Decision.reason(): string', () => '');

/** Whether a condition holds; throws with Kubernetes' words when it cannot be evaluated. */
export function evaluateCondition(expression: string, { object, oldObject, request, authorizer }: ConditionVariables): boolean {
  try {
    return environment.evaluate(adaptExpression(expression), { object: toCel(object), oldObject: toCel(oldObject), request: toCel(request), namespaceObject: null, authorizer: new Check(authorizer) }) === true;
  } catch (error) {
    const [reason = ''] = describeError(error).split('\n');
    throw new Error(`expression '${expression}' resulted in error: ${reason.replace(/^No such key/, 'no such key')}`, { cause: error });
  }
}

/** Why a condition is none, in Kubernetes' words; undefined when it is one. */
export function checkCondition(expression: string): string | undefined {
  const unknown = [...expression.matchAll(/\brequest\.(\w+)/g)].map((match) => match[1] ?? '').find((field) => !REQUEST_FIELDS.has(field));
  if (unknown !== undefined) return `compilation failed: ERROR: undefined field '${unknown}'`;
  const checked = environment.check(adaptExpression(expression));
  if (!checked.valid) return `compilation failed: ERROR: ${checked.error?.message ?? 'it cannot be parsed'}`;
  return checked.type === 'bool' ? undefined : `must evaluate to bool but got ${checked.type ?? 'dyn'}`;
}

/** JSON to CEL's types: whole numbers are ints, which the evaluator wants as BigInt. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, toCel(child)]));
}
