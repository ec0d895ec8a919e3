// What a schema of a CustomResourceDefinition may say: structural schemas, with the refusals of the real server.
import { checkRule, duplicateField, forbiddenField, invalidField, pruneUnknown, requiredField, unsupportedField, validateValue, type FieldError, type JsonSchema } from '../../schema/index.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const RULE_REASONS = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];
const LIST_TYPES = ['atomic', 'map', 'set'];

/** What is wrong with the schema at `path`. */
export function validateSchema(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  checkNode(schema, path, 'root', errors);
  checkMetadata(schema, path, errors);
  // Where the structure is wrong already, the rest would only repeat it.
  if (errors.length === 0) checkCompleteness(schema, path, errors);
  return errors;
}

type Level = 'root' | 'object' | 'array';

function checkNode(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  checkType(schema, path, level, errors);
  checkValues(schema, path, errors);
  checkLists(schema, path, errors);
  checkDefault(schema, path, errors);
  checkRules(schema, path, errors);
  if (!isChoiceOfTypes(schema)) for (const [at, option] of optionsOf(schema, path)) checkOption(option, at, errors);
  for (const [name, child] of Object.entries(schema.properties ?? {})) checkNode(child, `${path}.properties[${name}]`, 'object', errors);
  if (schema.items) checkNode(schema.items, `${path}.items`, 'array', errors);
  if (typeof schema.additionalProperties === 'object') checkNode(schema.additionalProperties, `${path}.additionalProperties`, 'object', errors);
}

function checkType(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const { type = '' } = schema;
  const isTypeless = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
  if (type === '' && level === 'root') errors.push(requiredField(`${path}.type`, 'must not be empty at the root'));
  else if (type === '' && !isTypeless) errors.push(requiredField(`${path}.type`, `must not be empty for specified ${level} ${level === 'array' ? 'items' : 'fields'}`));
  else if (level === 'root' && type !== 'object') errors.push(invalidField(`${path}.type`, type, 'must be object at the root'));
  else if (type !== '' && !TYPES.includes(type)) errors.push(unsupportedField(`${path}.type`, type, TYPES));
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') errors.push(type === '' ? requiredField(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true') : invalidField(`${path}.type`, type, 'must be object if x-kubernetes-embedded-resource is true'));
  if (schema['x-kubernetes-int-or-string'] === true && type !== '') errors.push(invalidField(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true'));
}

function checkValues(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const { pattern, uniqueItems, properties, additionalProperties, type, items } = schema;
  if (uniqueItems === true) errors.push(forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (properties && additionalProperties) errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (additionalProperties === false) errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  if (type === 'array' && !items) errors.push(requiredField(`${path}.items`, 'must be specified'));
  if (pattern !== undefined && !isPattern(pattern)) errors.push(invalidField(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: error parsing regexp: the pattern cannot be compiled: \`${pattern}\``));
  for (const field of ['$ref', 'dependencies', 'patternProperties', 'definitions', 'id']) if ((schema as Record<string, unknown>)[field] !== undefined) errors.push(forbiddenField(`${path}.${field}`, `${field} is not supported`));
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function checkLists(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType !== undefined && schema.type !== 'array') errors.push(schema.type === undefined ? requiredField(`${path}.type`, 'must be array if x-kubernetes-list-type is specified') : invalidField(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is specified'));
  if (listType !== undefined && !LIST_TYPES.includes(listType)) errors.push(unsupportedField(`${path}.x-kubernetes-list-type`, listType, LIST_TYPES));
  if (keys && listType !== 'map') errors.push(listType === undefined ? requiredField(`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty') : invalidField(`${path}.x-kubernetes-list-type`, listType, 'must be map if x-kubernetes-list-map-keys is non-empty'));
  if (listType !== 'map') return;
  if (!keys?.length) errors.push(requiredField(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items && schema.items.type !== 'object') errors.push(invalidField(`${path}.items.type`, schema.items.type ?? '', 'must be object if parent array\'s x-kubernetes-list-type is map'));
  for (const [index, key] of (keys ?? []).entries()) errors.push(...keyErrors(schema, key, keys?.indexOf(key) === index, `${path}`, index));
}

function keyErrors({ items }: JsonSchema, key: string, isFirst: boolean, path: string, index: number): FieldError[] {
  const field = items?.properties?.[key];
  const at = `${path}.x-kubernetes-list-map-keys[${String(index)}]`;
  if (!isFirst) return [duplicateField(at, key)];
  if (!field) return [invalidField(at, key, `entries must all be names of item properties`)];
  if (field.type === 'array' || field.type === 'object') return [invalidField(`${path}.items.properties[${key}].type`, field.type, 'must be a scalar type if parent array\'s x-kubernetes-list-type is map')];
  return field.default !== undefined || items?.required?.includes(key) === true ? [] : [requiredField(`${path}.items.properties[${key}].default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property')];
}

/** A default has to be what its own schema describes. */
function checkDefault(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.default === undefined || (schema.default === null && schema.nullable === true)) return;
  const at = `${path}.default`;
  const place = (error: FieldError): FieldError => ({ ...error, path: error.path === '' ? at : `${at}.${error.path}` });
  const { default: given, ...rest } = schema;
  const found = validateValue(rest, given).map(place);
  errors.push(...found);
  const unknown = found.length === 0 && typeof given === 'object' ? pruneUnknown(rest, structuredClone(given), '', false) : [];
  if (unknown.length > 0) errors.push(invalidField(at, given, 'must not have unknown fields'));
}

function checkRules(schema: JsonSchema, path: string, errors: FieldError[]): void {
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${String(index)}]`;
    if (rule.rule.trim() === '') {
      errors.push(requiredField(`${at}.rule`, 'rule is not specified'));
      continue;
    }
    if (rule.reason !== undefined && !RULE_REASONS.includes(rule.reason)) errors.push(unsupportedField(`${at}.reason`, rule.reason, RULE_REASONS));
    const found = checkRule(rule, schema);
    if (found) errors.push(invalidField(`${at}.${found.field}`, rule[found.field], `compilation failed: ${found.problem}`));
  }
}

/** The parts of a schema that only look at values. */
function optionsOf(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const listed = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((name) => (schema[name] ?? []).map((option, index): [string, JsonSchema] => [`${path}.${name}[${String(index)}]`, option]));
  return schema.not ? [...listed, [`${path}.not`, schema.not]] : listed;
}

/** An int-or-string may say which types these are, as it always was written. */
function isChoiceOfTypes(schema: JsonSchema): boolean {
  if (schema['x-kubernetes-int-or-string'] !== true) return false;
  const options = schema.anyOf ?? schema.allOf?.[0]?.anyOf ?? [];
  return options.length === 2 && options[0]?.type === 'integer' && options[1]?.type === 'string';
}

const STRUCTURE = ['type', 'default', 'title', 'description', 'nullable', 'additionalProperties', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type', 'x-kubernetes-int-or-string', 'x-kubernetes-validations'];

/** Whatever decides about structure belongs outside of anyOf and its like. */
function checkOption(option: JsonSchema, path: string, errors: FieldError[]): void {
  for (const field of STRUCTURE) if ((option as Record<string, unknown>)[field] !== undefined) errors.push(forbiddenField(`${path}.${field}`, 'must be empty to be structural'));
  for (const [at, inner] of optionsOf(option, path)) checkOption(inner, at, errors);
  for (const [name, child] of Object.entries(option.properties ?? {})) checkOption(child, `${path}.properties[${name}]`, errors);
  if (option.items) checkOption(option.items, `${path}.items`, errors);
}

/** Each field that anyOf and its like speak of has to be there in the structure as well. */
function checkCompleteness(schema: JsonSchema, path: string, errors: FieldError[]): void {
  for (const [at, option] of optionsOf(schema, path)) requireStructure(option, schema, path, at, errors);
  for (const [name, child] of Object.entries(schema.properties ?? {})) checkCompleteness(child, `${path}.properties[${name}]`, errors);
  if (schema.items) checkCompleteness(schema.items, `${path}.items`, errors);
  if (typeof schema.additionalProperties === 'object') checkCompleteness(schema.additionalProperties, `${path}.additionalProperties`, errors);
}

function requireStructure(option: JsonSchema, schema: JsonSchema | undefined, path: string, from: string, errors: FieldError[]): void {
  for (const [name, child] of Object.entries(option.properties ?? {})) {
    const known = schema?.properties?.[name];
    if (known) requireStructure(child, known, `${path}.properties[${name}]`, `${from}.properties[${name}]`, errors);
    else errors.push(requiredField(`${path}.properties[${name}]`, `because it is defined in ${from}.properties[${name}]`));
  }
  for (const [at, inner] of optionsOf(option, from)) requireStructure(inner, schema, path, at, errors);
  if (option.items && !schema?.items) errors.push(requiredField(`${path}.items`, `because it is defined in ${from}.items`));
}

/** Metadata is the server's own: a definition may only narrow the name. */
function checkMetadata(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const metadata = schema.properties?.['metadata'];
  if (!metadata) return;
  const { type: _type, properties = {}, description: _description, ...rest } = metadata;
  if (Object.keys(rest).length > 0 || Object.keys(properties).some((name) => name !== 'name' && name !== 'generateName')) errors.push(forbiddenField(`${path}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
}
