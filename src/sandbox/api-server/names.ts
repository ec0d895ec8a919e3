// Names, labels and other metadata: Kubernetes' rules and messages.
import { invalidField, requiredField, forbiddenField, type FieldError } from '../schema/index.ts';
import { isFields } from '../patch/index.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SERVICE = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const SUBDOMAIN_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE_RULE = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_RULE = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_KEY_RULE = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Why `name` is no DNS-1123 label, if it is not. */
export function checkLabelName(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 bytes';
  return LABEL.test(name) ? undefined : LABEL_RULE;
}

/** Why `name` is no DNS-1035 label, if it is not. */
export function checkServiceName(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 bytes';
  return SERVICE.test(name) ? undefined : SERVICE_RULE;
}

/** Why `name` cannot name an object of this resource, if it cannot. */
export function checkObjectName(group: string, plural: string, name: string): string | undefined {
  if (group === 'rbac.authorization.k8s.io') return name === '.' || name === '..' ? `may not be '${name}'` : /[/%]/.test(name) ? `may not contain '${name.includes('/') ? '/' : '%'}'` : undefined;
  if (group === '' && plural === 'namespaces') return checkLabelName(name);
  if (group === '' && plural === 'services') return checkServiceName(name);
  if (name.length > 253) return 'must be no more than 253 characters';
  return SUBDOMAIN.test(name) ? undefined : SUBDOMAIN_RULE;
}

/** What is wrong with an object's metadata. */
export function validateMetadata(group: string, plural: string, metadata: Readonly<Record<string, unknown>>, isBuiltIn: boolean): FieldError[] {
  const { name } = metadata;
  const errors: FieldError[] = [];
  if (typeof name !== 'string' || name === '') errors.push(requiredField('metadata.name', 'name or generateName is required'));
  else {
    const problem = checkObjectName(group, plural, name);
    if (problem !== undefined) errors.push(invalidField('metadata.name', name, problem));
  }
  errors.push(...validateLabels(metadata['labels'], 'metadata.labels'));
  if (isFields(metadata['annotations'])) for (const key of Object.keys(metadata['annotations'])) errors.push(...validateKey(key, 'metadata.annotations'));
  const finalizers = metadata['finalizers'];
  if (Array.isArray(finalizers)) for (const finalizer of finalizers) if (typeof finalizer === 'string') errors.push(...validateKey(finalizer, 'metadata.finalizers'));
  // Custom resources may still have old finalizers without a domain.
  if (Array.isArray(finalizers) && isBuiltIn) for (const [index, finalizer] of finalizers.entries()) if (!String(finalizer).includes('/') && !STANDARD_FINALIZERS.includes(String(finalizer))) errors.push(invalidField(`metadata.finalizers[${String(index)}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
  return [...errors, ...validateOwners(metadata['ownerReferences'])];
}

function validateOwners(owners: unknown): FieldError[] {
  if (!Array.isArray(owners)) return [];
  const path = 'metadata.ownerReferences';
  const errors = owners.filter(isFields).flatMap((owner) => [
    ...['apiVersion', 'kind', 'name', 'uid'].filter((field) => owner[field] === undefined || owner[field] === '').map((field) => invalidField(`${path}.${field}`, '', field === 'apiVersion' ? 'version must not be empty' : 'must not be empty')),
    ...(owner['kind'] === 'Event' && (owner['apiVersion'] === 'v1' || owner['apiVersion'] === 'events.k8s.io/v1') ? [invalidField(path, owner, `${owner['apiVersion'] === 'v1' ? '/v1' : 'events.k8s.io/v1'}, Kind=Event is disallowed from being an owner`)] : []),
  ]);
  const [first, second] = owners.filter((owner) => isFields(owner) && owner['controller'] === true) as Record<string, unknown>[];
  const show = (owner: Record<string, unknown>): string => `${String(owner['kind'])}/${String(owner['name'])}`;
  if (first && second) errors.push(invalidField(path, owners.filter(isFields).map(({ apiVersion, kind, name, uid, controller, ...rest }) => ({ apiVersion, kind, name, uid, controller, ...rest })), `Only one reference can have Controller set to true. Found "true" in references for ${show(first)} and ${show(second)}`));
  return errors;
}

/** What is wrong with a set of labels at `path`. */
export function validateLabels(labels: unknown, path: string): FieldError[] {
  if (!isFields(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => {
    const errors = validateKey(key, path);
    if (typeof value !== 'string') return errors;
    if (value.length > 63) errors.push(invalidField(path, value, 'must be no more than 63 bytes'));
    else if (value !== '' && !QUALIFIED.test(value)) errors.push(invalidField(path, value, LABEL_VALUE_RULE));
    return errors;
  });
}

/** What is wrong with the key of a label or annotation, or with a qualified name. */
export function validateKey(key: string, path: string): FieldError[] {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  const prefix = parts[0];
  if (parts.length > 1) return [invalidField(path, key, LABEL_KEY_RULE)];
  if (prefix === '') return [invalidField(path, key, 'prefix part must be non-empty')];
  if (prefix !== undefined && !SUBDOMAIN.test(path === 'metadata.annotations' ? prefix.toLowerCase() : prefix)) return [invalidField(path, key, `prefix part ${SUBDOMAIN_RULE}`)];
  if (name.length > 63) return [invalidField(path, key, 'name part must be no more than 63 bytes')];
  if (name === '') return [invalidField(path, key, 'name part must be non-empty'), invalidField(path, key, QUALIFIED_RULE)];
  return QUALIFIED.test(name) ? [] : [invalidField(path, key, QUALIFIED_RULE)];
}

/** What an update may not change in metadata. */
export function validateMetadataUpdate(metadata: Readonly<Record<string, unknown>>, old: Readonly<Record<string, unknown>>): FieldError[] {
  const added = listOf(metadata['finalizers']).filter((finalizer) => !listOf(old['finalizers']).includes(finalizer));
  if (old['deletionTimestamp'] !== undefined && added.length > 0) return [forbiddenField('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`)];
  return ['name', 'namespace', 'uid'].filter((field) => metadata[field] !== old[field]).map((field) => invalidField(`metadata.${field}`, metadata[field], 'field is immutable'));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A name for `generateName`: the prefix and five letters that spell no words. */
export function generateName(prefix: string): string {
  let suffix = '';
  for (let index = 0; index < 5; index += 1) suffix += SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)] ?? 'x';
  return `${prefix.slice(0, 58)}${suffix}`;
}
