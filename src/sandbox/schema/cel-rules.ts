// The CEL rules of a schema (x-kubernetes-validations), and CEL conditions elsewhere: compiled once, evaluated on plain JSON.
import { Environment, Optional } from '@marcbachmann/cel-js';
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import { childPath, type FieldError, type JsonSchema, type ValidationRule } from './json-schema.ts';
import { adaptExpression } from './cel-source.ts';
import { registerKubernetesLibrary } from './cel-library.ts';
import { correlateItem } from './ratchet.ts';

type Program = (context: Record<string, unknown>) => unknown;

const environment = registerKubernetesLibrary(new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true, homogeneousAggregateLiterals: false }));
const programs = new Map<string, Program>();

/** Evaluates a CEL expression over JSON values; throws when it cannot be parsed or evaluated. */
export function evaluateCel(expression: string, variables: Readonly<Record<string, unknown>>, oldIsOptional = false): unknown {
  let program = programs.get(expression);
  if (!program) {
    program = environment.parse(adaptExpression(expression)) as Program;
    programs.set(expression, program);
  }
  const context: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(variables)) context[name] = oldIsOptional && name === 'oldSelf' ? Optional.of(toCel(value)) : toCel(value);
  return program(context);
}

/** The reason why an expression cannot be compiled, if there is one. */
export function checkCel(expression: string): string | undefined {
  try {
    environment.parse(adaptExpression(expression));
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

const SELF_TYPES: Readonly<Record<string, string>> = { string: 'string', integer: 'int', number: 'double', boolean: 'bool', array: 'list' };

/** What keeps a rule on a value of this schema from being compiled: its syntax, an operator or function that the value has not, a result that is no bool. */
export function checkRule(rule: ValidationRule, schema: JsonSchema): { readonly field: 'rule' | 'messageExpression'; readonly problem: string } | undefined {
  const self = SELF_TYPES[schema['x-kubernetes-int-or-string'] === true ? '' : (schema.type ?? '')] ?? 'dyn';
  const typed = environment.clone().registerVariable('self', self).registerVariable('oldSelf', rule.optionalOldSelf === true ? 'optional<dyn>' : self);
  const condition = typed.check(adaptExpression(rule.rule));
  if (!condition.valid) return { field: 'rule', problem: condition.error?.message ?? 'unknown' };
  if (condition.type !== 'bool' && condition.type !== 'dyn') return { field: 'rule', problem: 'cel expression must evaluate to a bool' };
  if (rule.messageExpression === undefined) return undefined;
  const message = typed.check(adaptExpression(rule.messageExpression));
  if (!message.valid) return { field: 'messageExpression', problem: message.error?.message ?? 'unknown' };
  return message.type === 'string' || message.type === 'dyn' ? undefined : { field: 'messageExpression', problem: 'messageExpression must evaluate to a string' };
}

/** What the rules of `schema` have against `value`; `old` is the value before an update. */
export function evaluateRules(schema: JsonSchema, value: unknown, old: unknown, kept: (error: FieldError) => void = () => undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (hasRules(schema)) rulesInto(schema, value, old, '', { found: (error) => errors.push(error), kept });
  return errors;
}

/** Where errors go; `kept` takes those that were there before an update and are no reason to refuse it. */
interface Sink { readonly found: (error: FieldError) => void; readonly kept: (error: FieldError) => void }

const ruled = new WeakMap<JsonSchema, boolean>();

/** Whether there are rules in a schema. Most have none: one look at each says so, and their values are not walked. */
export function hasRules(schema: JsonSchema): boolean {
  const known = ruled.get(schema);
  if (known !== undefined) return known;
  ruled.set(schema, false);
  const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  const found = (schema['x-kubernetes-validations']?.length ?? 0) > 0 || children.some((child) => typeof child === 'object' && hasRules(child));
  ruled.set(schema, found);
  return found;
}

function ownRules(schema: JsonSchema, value: unknown, old: unknown, path: string, sink: Sink): void {
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    const error = evaluateRule(rule, value, old, path);
    if (!error) continue;
    // What an update leaves as it was is only remarked upon, unless the rule is about the change.
    if (old !== undefined && !/\boldSelf\b/.test(rule.rule) && deepEqual(value, old)) sink.kept(error);
    else sink.found(error);
  }
}

function rulesInto(schema: JsonSchema, value: unknown, old: unknown, path: string, sink: Sink): void {
  if (value === undefined || value === null || !hasRules(schema)) return;
  ownRules(schema, value, old, path, sink);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) if (schema.items) rulesInto(schema.items, item, correlateItem(schema, item, old), `${path}[${String(index)}]`, sink);
    return;
  }
  if (typeof value !== 'object') return;
  const oldFields = typeof old === 'object' && old !== null ? (old as Record<string, unknown>) : {};
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    if (known) rulesInto(known, child, oldFields[name], childPath(path, name), sink);
  }
}

function evaluateRule(rule: ValidationRule, value: unknown, old: unknown, path: string): FieldError | undefined {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  if (usesOld && old === undefined && rule.optionalOldSelf !== true) return undefined;
  const optional = rule.optionalOldSelf === true;
  const variables = usesOld ? { self: value, oldSelf: old } : { self: value };
  const where = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`;
  const invalid = (detail: string): FieldError => ({ reason: reasonOf(rule.reason), path: where, message: ruleMessage(rule, value, detail) });
  try {
    if (evaluateCel(rule.rule, variables, optional) === true) return undefined;
    return invalid(messageOf(rule, variables));
  } catch (error) {
    return invalid(`rule evaluation error: ${describeError(error)}, evaluating rule: ${rule.rule}`);
  }
}


/** The words of the rule's reason; objects and lists are not quoted. */
function ruleMessage(rule: ValidationRule, value: unknown, detail: string): string {
  const shown = typeof value === 'object' ? '' : ` ${JSON.stringify(value)}:`;
  switch (reasonOf(rule.reason)) {
    case 'FieldValueForbidden': return `Forbidden: ${detail}`;
    case 'FieldValueRequired': return `Required value: ${detail}`;
    case 'FieldValueDuplicate': return `Duplicate value:${shown.replace(/:$/, '')}`;
    default: return `Invalid value:${shown} ${detail}`;
  }
}

function messageOf(rule: ValidationRule, variables: Readonly<Record<string, unknown>>): string {
  if (rule.messageExpression !== undefined) {
    try {
      const text = evaluateCel(rule.messageExpression, variables);
      if (typeof text === 'string' && text.trim() !== '') return text;
    } catch {
      // A broken message expression must not hide the failed rule: its fixed message is used.
    }
  }
  return rule.message ?? `failed rule: ${rule.rule.trim()}`;
}

function reasonOf(reason: string | undefined): FieldError['reason'] {
  return reason === 'FieldValueRequired' || reason === 'FieldValueForbidden' || reason === 'FieldValueDuplicate' ? reason : 'FieldValueInvalid';
}

/** JSON to CEL's types: whole numbers are ints, which the evaluator wants as BigInt. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toCel(child)]));
  return value;
}
