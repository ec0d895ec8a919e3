// Checks a value against a structural schema, with the messages that Kubernetes gives.
import { childPath, duplicateField, invalidField, requiredField, unsupportedField, type FieldError, type JsonSchema } from './json-schema.ts';
import { checkFormat } from './formats.ts';

/** What is wrong with `value`; empty when it conforms. */
export function validateValue(schema: JsonSchema, value: unknown, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  validateInto(schema, value, path, errors);
  return errors;
}

function validateInto(schema: JsonSchema, value: unknown, path: string, errors: FieldError[]): void {
  if (value === null && schema.nullable === true) return;
  if (!checkType(schema, value, path, errors)) return;
  if (schema.enum && !schema.enum.some((option) => JSON.stringify(option) === JSON.stringify(value))) errors.push(unsupportedField(path, value, schema.enum));
  if (typeof value === 'string') checkString(schema, value, path, errors);
  else if (typeof value === 'number') checkNumber(schema, value, path, errors);
  else if (Array.isArray(value)) checkList(schema, value, path, errors);
  else if (typeof value === 'object' && value !== null) checkObject(schema, value as Record<string, unknown>, path, errors);
  checkCombinations(schema, value, path, errors);
}

function checkType(schema: JsonSchema, value: unknown, path: string, errors: FieldError[]): boolean {
  const actual = typeName(value);
  const typeError = (wanted: string): false => {
    errors.push({ reason: 'FieldValueTypeInvalid', path, message: `Invalid value: ${JSON.stringify(actual)}: ${path} in body must be of type ${wanted}: ${JSON.stringify(actual)}` });
    return false;
  };
  if (schema['x-kubernetes-int-or-string'] === true) return actual === 'integer' || actual === 'string' || actual === 'number' || typeError('integer,string');
  if (schema.type === undefined) return true;
  if (schema.type === actual || (schema.type === 'number' && actual === 'integer')) return true;
  return typeError(schema.type);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkString(schema: JsonSchema, value: string, path: string, errors: FieldError[]): void {
  const length = schema.minLength === undefined && schema.maxLength === undefined ? 0 : [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push({ reason: 'FieldValueTooLong', path, message: `Too long: may not be more than ${String(schema.maxLength)} bytes` });
  if (schema.minLength !== undefined && length < schema.minLength) errors.push(invalidField(path, value, `${path} in body should be at least ${String(schema.minLength)} chars long`));
  if (schema.pattern !== undefined && !compilePattern(schema.pattern).test(value)) errors.push(invalidField(path, value, `${path} in body should match '${schema.pattern}'`));
  if (schema.format !== undefined && !checkFormat(schema.format, value)) errors.push({ ...invalidField(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`), reason: 'FieldValueTypeInvalid' });
}

function checkNumber(schema: JsonSchema, value: number, path: string, errors: FieldError[]): void {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema;
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) errors.push(invalidField(path, value, `${path} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${String(minimum)}`));
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) errors.push(invalidField(path, value, `${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${String(maximum)}`));
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) errors.push(invalidField(path, value, `${path} in body should be a multiple of ${String(multipleOf)}`));
}

function checkList(schema: JsonSchema, value: readonly unknown[], path: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) errors.push({ reason: 'FieldValueTooMany', path, message: `Too many: ${String(value.length)}: must have at most ${String(schema.maxItems)} items` });
  if (schema.minItems !== undefined && value.length < schema.minItems) errors.push(invalidField(path, value.length, `${path} in body should have at least ${String(schema.minItems)} items`));
  for (const [index, item] of value.entries()) if (schema.items) validateInto(schema.items, item, `${path}[${String(index)}]`, errors);
  const identify = listIdentity(schema);
  if (!identify) return;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity = identify(item);
    const text = JSON.stringify(identity);
    if (seen.has(text)) errors.push(duplicateField(`${path}[${String(index)}]`, identity));
    seen.add(text);
  }
}

function listIdentity(schema: JsonSchema): ((item: unknown) => unknown) | undefined {
  if (schema['x-kubernetes-list-type'] === 'set' || schema.uniqueItems === true) return (item) => item;
  const keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
  if (!keys) return undefined;
  return (item) => Object.fromEntries(keys.map((key) => [key, (item as Record<string, unknown> | null)?.[key] ?? schema.items?.properties?.[key]?.default]));
}

function checkObject(schema: JsonSchema, value: Readonly<Record<string, unknown>>, path: string, errors: FieldError[]): void {
  const count = Object.keys(value).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties) errors.push({ reason: 'FieldValueTooMany', path, message: `Too many: ${String(count)}: must have at most ${String(schema.maxProperties)} items` });
  if (schema.minProperties !== undefined && count < schema.minProperties) errors.push(invalidField(path, count, `${path} in body should have at least ${String(schema.minProperties)} properties`));
  if (schema['x-kubernetes-embedded-resource'] === true) for (const name of ['apiVersion', 'kind']) if (value[name] === undefined) errors.push(requiredField(childPath(path, name)));
  for (const name of schema.required ?? []) if (value[name] === undefined) errors.push(requiredField(childPath(path, name)));
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name];
    if (known) validateInto(known, child, childPath(path, name), errors);
    else if (typeof schema.additionalProperties === 'object') validateInto(schema.additionalProperties, child, childPath(path, name), errors);
  }
}

function checkCombinations(schema: JsonSchema, value: unknown, path: string, errors: FieldError[]): void {
  const fits = (option: JsonSchema): boolean => validateValue(option, value, path).length === 0;
  for (const part of schema.allOf ?? []) validateInto(part, value, path, errors);
  const against = (rule: string): FieldError => ({ reason: 'FieldValueInvalid', path: '', message: `Invalid value: "": "${path}" must ${rule}` });
  if (schema.anyOf && !schema.anyOf.some(fits)) errors.push(against('validate at least one schema (anyOf)'), ...nearest(schema.anyOf, value, path));
  const fitting = schema.oneOf?.filter(fits).length ?? 1;
  if (schema.oneOf && fitting === 0) errors.push(against('validate one and only one schema (oneOf). Found none valid'), ...nearest(schema.oneOf, value, path));
  else if (fitting > 1) errors.push(against(`validate one and only one schema (oneOf). Found ${String(fitting)} valid alternatives`));
  if (schema.not && fits(schema.not)) errors.push(against('not validate the schema (not)'));
}

/** What is wrong by the first of the alternatives that are nearest to being right. */
function nearest(options: readonly JsonSchema[], value: unknown, path: string): FieldError[] {
  const attempts = options.map((option) => validateValue(option, value, path));
  return attempts.reduce((best, attempt) => (attempt.length < best.length ? attempt : best), attempts[0] ?? []);
}

const patterns = new Map<string, RegExp>();

/** A pattern of a schema; patterns come from CustomResourceDefinitions, which only administrators write. */
function compilePattern(pattern: string): RegExp {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled;
}
