// Defaults and validation of CustomResourceDefinitions: names, versions, structural schemas, compilable rules.
import { checkRule, forbiddenField, invalidField, requiredField, unsupportedField, type FieldError, type JsonSchema } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import type { KindRules } from './kind-rules.ts';

const RULE_REASONS = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];

interface Version { name: string; served: boolean; storage: boolean; schema?: { openAPIV3Schema?: JsonSchema } }

function applyDefaults(object: KubeObject): void {
  const { spec } = object;
  const names = spec?.names;
  if (!names?.kind) return;
  names.singular ??= String(names.kind).toLowerCase();
  names.listKind ??= `${String(names.kind)}List`;
  spec.conversion ??= { strategy: 'None' };
}

/** The server decides which versions are stored. */
function prepare(object: KubeObject, old: KubeObject | undefined): void {
  if (!old) object.status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: ((object.spec?.versions ?? []) as Version[]).filter((version) => version.storage).map((version) => version.name) };
}

function validate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const { spec, metadata } = object;
  const errors: FieldError[] = [];
  const expected = `${String(spec.names?.plural)}.${String(spec.group)}`;
  if (metadata.name !== expected) errors.push(invalidField('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  if (!['Namespaced', 'Cluster'].includes(spec.scope)) errors.push(invalidField('spec.scope', spec.scope, 'must be Namespaced or Cluster'));
  const versions: Version[] = spec.versions ?? [];
  if (versions.filter((version) => version.storage).length !== 1) errors.push(invalidField('spec.versions', 'array', 'must have exactly one version marked as storage version'));
  for (const [index, version] of versions.entries()) errors.push(...validateVersion(version, `spec.versions[${String(index)}]`, versions.length === 1 ? 'spec.validation.openAPIV3Schema' : `spec.versions[${String(index)}].schema.openAPIV3Schema`));
  if (spec.conversion?.strategy === 'Webhook' && !spec.conversion.webhook?.clientConfig) errors.push(requiredField('spec.conversion.webhook.clientConfig', "required when strategy is set to Webhook"));
  if (old) for (const field of ['group', 'scope']) if (spec[field] !== old.spec[field]) errors.push(invalidField(`spec.${field}`, spec[field], 'field is immutable'));
  return errors;
}

function validateVersion(version: Version, path: string, schemaPath: string): FieldError[] {
  const schema = version.schema?.openAPIV3Schema;
  if (!schema) return [requiredField(`${path}.schema.openAPIV3Schema`)];
  const errors: FieldError[] = [];
  checkStructural(schema, schemaPath, errors);
  return errors;
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

/** What keeps a schema from being structural, and rules that cannot be compiled. */
function checkStructural(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const typeless = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
  if (!schema.type && !typeless) errors.push(requiredField(`${path}.type`, 'must not be empty for specified object fields'));
  if (schema.type === 'array' && !schema.items) errors.push(requiredField(`${path}.items`, 'must be specified'));
  if (schema.properties && schema.additionalProperties) errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (schema['x-kubernetes-list-type'] === 'map' && !schema['x-kubernetes-list-map-keys']?.length) errors.push(requiredField(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  checkRules(schema, path, errors);
  for (const [name, child] of Object.entries(schema.properties ?? {})) checkStructural(child, `${path}.properties[${name}]`, errors);
  if (schema.items) checkStructural(schema.items, `${path}.items`, errors);
  if (typeof schema.additionalProperties === 'object') checkStructural(schema.additionalProperties, `${path}.additionalProperties`, errors);
}

/** Rules of CustomResourceDefinitions. */
export const CRD_RULES: KindRules = { generation: true, applyDefaults, prepare, validate };
