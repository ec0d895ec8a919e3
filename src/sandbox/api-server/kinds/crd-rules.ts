// Defaults and validation of CustomResourceDefinitions: names, versions, what each version has, conversion.
import { deepEqual } from '../../../shared/lib/index.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField, type FieldError, type JsonSchema } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { checkServiceName } from '../names.ts';
import { validateSchema } from './crd-schema-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { clientConfigErrors } from './webhook-rules.ts';

interface Column { readonly name?: string; readonly type?: string; readonly format?: string; readonly jsonPath?: string }
interface Scale { readonly specReplicasPath?: string; readonly statusReplicasPath?: string; readonly labelSelectorPath?: string }
interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: { readonly scale?: Scale };
  readonly additionalPrinterColumns?: readonly Column[];
  readonly selectableFields?: readonly { readonly jsonPath?: string }[];
}

/** What the real server keeps once for all versions, when it is the same in each. */
const SHARED = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;

function applyDefaults(object: KubeObject): void {
  const { spec } = object;
  const names = spec?.names;
  if (!names?.kind) return;
  names.singular ??= String(names.kind).toLowerCase();
  names.listKind ??= `${String(names.kind)}List`;
  spec.conversion ??= { strategy: 'None' };
  const config = spec.conversion.webhook?.clientConfig?.service;
  if (config) config.port ??= 443;
}

/** The server decides which versions are stored. */
function prepare(object: KubeObject, old: KubeObject | undefined): void {
  const storage = ((object.spec?.versions ?? []) as Version[]).find((version) => version.storage);
  if (!old) object.status = { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: storage ? [storage.name] : null };
  else if (storage && !(old.status?.storedVersions ?? []).includes(storage.name)) object.status = { ...object.status, storedVersions: [...(object.status?.storedVersions ?? []), storage.name] };
}

function validate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const { spec, metadata } = object;
  const versions = (spec.versions ?? []) as Version[];
  const errors: FieldError[] = [];
  if (metadata.name !== `${String(spec.names?.plural)}.${String(spec.group)}`) errors.push(invalidField('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  errors.push(...validateGroup(object), ...validateNames(spec.names ?? {}));
  if (!['Cluster', 'Namespaced'].includes(spec.scope)) errors.push(unsupportedField('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  if (spec.preserveUnknownFields === true) errors.push(invalidField('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'));
  errors.push(...validateVersions(versions), ...validateConversion(spec.conversion ?? {}), ...validateStored(versions, object.status?.storedVersions ?? null));
  if (old) for (const field of ['group', 'scope']) if (spec[field] !== old.spec[field]) errors.push(invalidField(`spec.${field}`, spec[field], 'field is immutable'));
  return errors;
}

const APPROVAL = 'api-approved.kubernetes.io';
const APPROVAL_PAGE = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** Groups of the community need its approval, or the word that they have none. */
function validateGroup({ spec, metadata }: KubeObject): FieldError[] {
  const group = String(spec.group);
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const path = `metadata.annotations[${APPROVAL}]`;
  const approval = metadata.annotations?.[APPROVAL];
  if (!approval) return [requiredField(path, `protected groups must have approval annotation "${APPROVAL}", ${APPROVAL_PAGE}`)];
  return approval.startsWith('unapproved') || URL.canParse(approval) ? [] : [invalidField(path, approval, `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${APPROVAL_PAGE}`)];
}

function validateNames({ plural = '', singular = '', kind = '', listKind = '', shortNames = [], categories = [] }: { plural?: string; singular?: string; kind?: string; listKind?: string; shortNames?: string[]; categories?: string[] }): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: string, value: string, isMixed = false): void => {
    const problem = checkServiceName(isMixed ? value.toLowerCase() : value);
    if (problem !== undefined) errors.push(invalidField(`spec.names.${field}`, value, isMixed ? `may have mixed case, but should otherwise match: ${problem}` : problem));
  };
  if (plural === '') errors.push(requiredField('spec.names.plural'));
  else check('plural', plural);
  if (singular !== '') check('singular', singular);
  if (kind === '') errors.push(requiredField('spec.names.kind'));
  else check('kind', kind, true);
  if (listKind !== '') check('listKind', listKind, true);
  if (kind !== '' && kind === listKind) errors.push(invalidField('spec.names.listKind', listKind, 'kind and listKind may not be the same'));
  for (const [index, name] of shortNames.entries()) check(`shortNames[${String(index)}]`, name);
  for (const [index, name] of categories.entries()) check(`categories[${String(index)}]`, name);
  return errors;
}

function validateVersions(versions: readonly Version[]): FieldError[] {
  const shared = new Set<string>(SHARED.filter((field) => versions.every((version) => deepEqual(version[field], versions[0]?.[field]))));
  const errors: FieldError[] = [];
  const names = versions.map(({ name }) => name);
  if (new Set(names).size < names.length) errors.push(invalidField('spec.versions', versions.map((version) => showVersion(version, shared)), 'must contain unique version names'));
  if (versions.filter((version) => version.storage).length !== 1) errors.push(invalidField('spec.versions', versions.map((version) => showVersion(version, shared)), 'must have exactly one version marked as storage version'));
  for (const [index, version] of versions.entries()) {
    const own = `spec.versions[${String(index)}]`;
    const problem = checkServiceName(version.name);
    if (problem !== undefined) errors.push(invalidField(`${own}.name`, version.name, problem));
    if (version.deprecationWarning !== undefined && version.deprecated !== true) errors.push(invalidField(`${own}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions'));
    if (!version.schema?.openAPIV3Schema) errors.push(requiredField(`${own}.schema.openAPIV3Schema`));
    // What all have is looked at once, where the real server keeps it.
    for (const field of SHARED) if (!shared.has(field) || index === 0) errors.push(...validatePart(version, field, shared.has(field) ? 'spec' : own));
  }
  return errors;
}

function showVersion(version: Version, shared: ReadonlySet<string>): object {
  const own = (field: typeof SHARED[number]): unknown => (shared.has(field) ? null : version[field] ?? null);
  return { Name: version.name, Served: version.served, Storage: version.storage, Deprecated: version.deprecated ?? false, DeprecationWarning: version.deprecationWarning ?? null, Schema: own('schema'), Subresources: own('subresources'), AdditionalPrinterColumns: own('additionalPrinterColumns'), SelectableFields: own('selectableFields') };
}

function validatePart(version: Version, field: typeof SHARED[number], path: string): FieldError[] {
  switch (field) {
    case 'schema': {
      const schema = version.schema?.openAPIV3Schema;
      return schema ? validateSchema(schema, path === 'spec' ? 'spec.validation.openAPIV3Schema' : `${path}.schema.openAPIV3Schema`) : [];
    }
    case 'subresources': return version.subresources?.scale ? validateScale(version.subresources.scale, `${path}.subresources.scale`) : [];
    case 'additionalPrinterColumns': return (version.additionalPrinterColumns ?? []).flatMap((column, index) => validateColumn(column, `${path}.additionalPrinterColumns[${String(index)}]`));
    default: return validateSelectable(version, `${path}.selectableFields`);
  }
}

const SIMPLE_PATH = /^(\.[A-Za-z_][\w-]*(\[\d+\])?)+$/;

function validatePath(value: string | undefined, path: string, roots: readonly string[]): FieldError[] {
  if (!value) return [requiredField(path)];
  if (!value.startsWith('.')) return [invalidField(path, value, 'must be a simple json path starting with .')];
  if (!SIMPLE_PATH.test(value)) return [invalidField(path, value, `is not a valid simple path`)];
  return roots.some((root) => value.startsWith(`${root}.`)) ? [] : [invalidField(path, value, `should be a json path under ${roots.length === 1 ? (roots[0] ?? '') : `either ${roots.join(' or ')}`}`)];
}

function validateScale({ specReplicasPath, statusReplicasPath, labelSelectorPath }: Scale, path: string): FieldError[] {
  return [
    ...validatePath(specReplicasPath, `${path}.specReplicasPath`, ['.spec']),
    ...validatePath(statusReplicasPath, `${path}.statusReplicasPath`, ['.status']),
    ...(labelSelectorPath ? validatePath(labelSelectorPath, `${path}.labelSelectorPath`, ['.spec', '.status']) : []),
  ];
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function validateColumn({ name, type = '', format = '', jsonPath = '' }: Column, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(requiredField(`${path}.name`));
  if (type === '') errors.push({ ...requiredField(`${path}.type`), message: `Required value: must be one of ${COLUMN_TYPES.join(',')}` });
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalidField(`${path}.type`, type, `must be one of ${COLUMN_TYPES.join(',')}`));
  if (format !== '' && !COLUMN_FORMATS.includes(format)) errors.push(invalidField(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  if (jsonPath === '') errors.push(requiredField(`${path}.JSONPath`));
  else if (!jsonPath.startsWith('.')) errors.push(invalidField(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'));
  return errors;
}

const MOST_SELECTABLE = 8;

function validateSelectable({ selectableFields = [], schema }: Version, path: string): FieldError[] {
  if (selectableFields.length > MOST_SELECTABLE) return [{ reason: 'FieldValueTooMany', path, message: `Too many: ${String(selectableFields.length)}: must have at most ${String(MOST_SELECTABLE)} items` }];
  const seen = new Set<string>();
  return selectableFields.flatMap(({ jsonPath = '' }, index) => {
    const at = `${path}[${String(index)}].jsonPath`;
    if (seen.has(jsonPath)) return [duplicateField(at, jsonPath)];
    seen.add(jsonPath);
    if (jsonPath === '') return [requiredField(at)];
    if (!SIMPLE_PATH.test(jsonPath) || jsonPath.includes('[')) return [invalidField(at, jsonPath, 'is an invalid path: must be a simple json path starting with . and without arrays')];
    if (jsonPath === '.metadata' || jsonPath.startsWith('.metadata.')) return [invalidField(at, jsonPath, 'must not point to fields in metadata')];
    const field = jsonPath.slice(1).split('.').reduce<JsonSchema | undefined>((node, name) => node?.properties?.[name], schema?.openAPIV3Schema);
    if (!field) return [invalidField(at, jsonPath, 'is an invalid path: does not refer to a valid field')];
    return ['string', 'boolean', 'integer'].includes(field.type ?? '') ? [] : [invalidField(at, jsonPath, 'must point to a field of type boolean, string or integer. Enum string fields and strings with formats are allowed.')];
  });
}

const REVIEWS = ['v1', 'v1beta1'];

function validateConversion({ strategy, webhook }: { strategy?: string; webhook?: { clientConfig?: Parameters<typeof clientConfigErrors>[0]; conversionReviewVersions?: string[] | null } }): FieldError[] {
  const config = 'spec.conversion.webhookClientConfig';
  const reviews = 'spec.conversion.conversionReviewVersions';
  const stated = webhook?.conversionReviewVersions ?? [];
  if (strategy !== 'None' && strategy !== 'Webhook') return [unsupportedField('spec.conversion.strategy', strategy ?? '', ['None', 'Webhook'])];
  if (strategy === 'None') return [...(webhook?.clientConfig ? [forbiddenField(config, 'should not be set when strategy is not set to Webhook')] : []), ...(stated.length > 0 ? [forbiddenField(reviews, 'should not be set when strategy is not set to Webhook')] : [])];
  const errors = webhook?.clientConfig ? clientConfigErrors(webhook.clientConfig, config) : [requiredField(config, 'required when strategy is set to Webhook')];
  if (stated.length === 0) errors.push(requiredField(reviews));
  else if (!stated.some((version) => REVIEWS.includes(version))) errors.push(invalidField(reviews, stated, `must include at least one of ${REVIEWS.join(', ')}`));
  return errors;
}

/** No version is forgotten in which objects may still be stored. */
function validateStored(versions: readonly Version[], stored: readonly string[] | null): FieldError[] {
  const path = 'status.storedVersions';
  if (!stored || stored.length === 0) return [invalidField(path, stored, 'must have at least one stored version')];
  const missing = versions.filter(({ name, storage }) => storage && !stored.includes(name)).map(({ name }) => invalidField(path, stored, `must have the storage version ${name}`));
  const gone = stored.flatMap((name, index) => (versions.some((version) => version.name === name) ? [] : [invalidField(`${path}[${String(index)}]`, name, `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`)]));
  return [...missing, ...gone];
}

/** Rules of CustomResourceDefinitions. */
export const CRD_RULES: KindRules = { generation: true, applyDefaults, prepare, validate };
