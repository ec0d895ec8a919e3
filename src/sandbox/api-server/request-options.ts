// What the query parameters and options bodies of requests may say, with the refusals of the real server: a Status of reason Invalid about
// ListOptions, CreateOptions and so on.
import { forbiddenField, requiredField, unsupportedField, type FieldError } from '../schema/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { badRequest } from './status.ts';
import { isTrue } from './request-info.ts';

const MANAGER_LIMIT = 128;

/** 422 about the options of a request. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): ApiStatusError {
  const texts = [...new Set(errors.map(({ path, message }) => `${path}: ${message}`))];
  const message = `${kind}.meta.k8s.io "" is invalid: ${texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`}`;
  return new ApiStatusError(422, 'Invalid', message, { group: 'meta.k8s.io', kind, causes: errors.map(({ reason, message: text, path }) => ({ reason, message: text, field: path })) });
}

/** Throws unless the parameters of a list or watch go together. */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  const limit = query.get('limit');
  if (limit !== null && !/^-?\d+$/.test(limit)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`);
  const errors = isWatch ? watchErrors(query) : listErrors(query);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
}

function watchErrors(query: URLSearchParams): FieldError[] {
  const match = query.get('resourceVersionMatch') ?? '';
  if (!query.has('sendInitialEvents')) return match === '' ? [] : [forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')];
  if (match === 'NotOlderThan') return [];
  const errors = [forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')];
  return match === '' ? errors : [...errors, unsupportedField('resourceVersionMatch', match, ['NotOlderThan'])];
}

function listErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  if (isTrue(query.get('sendInitialEvents'))) errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  if (match === '') return errors;
  if (version === '') errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (query.get('continue')) errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(unsupportedField('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && version === '0') errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

/** Throws unless the parameters of a write can be followed. */
export function checkWriteOptions(kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', query: URLSearchParams, isApply: boolean): void {
  const errors = dryRunErrors(query.getAll('dryRun').filter((value) => value !== ''));
  const manager = query.get('fieldManager') ?? '';
  if (isApply && manager === '') errors.push(requiredField('fieldManager', 'is required for apply patch'));
  if (Buffer.byteLength(manager) > MANAGER_LIMIT) errors.push({ reason: 'FieldValueTooLong', path: 'fieldManager', message: `Too long: may not be more than ${String(MANAGER_LIMIT)} bytes` });
  if (kind === 'PatchOptions' && !isApply && query.has('force')) errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) errors.push(unsupportedField('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn'].filter((value) => value !== '')));
  if (errors.length > 0) throw invalidOptions(kind, errors);
}

/** The options of a deletion as they may be. */
export function checkDeleteOptions(options: { readonly propagationPolicy?: string | undefined; readonly orphanDependents?: boolean | undefined; readonly dryRun?: readonly string[] | undefined; readonly kind?: unknown; readonly apiVersion?: unknown }): void {
  const { propagationPolicy, orphanDependents, dryRun = [], kind, apiVersion } = options;
  if (kind !== undefined && kind !== 'DeleteOptions') throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? '')} in scheme "sandbox"`);
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined) errors.push({ ...forbiddenField('propagationPolicy', 'orphanDependents and deletionPropagation cannot be both set'), reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set` });
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) errors.push(unsupportedField('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']));
  errors.push(...dryRunErrors(dryRun));
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
}

function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.some((value) => value !== 'All') ? [unsupportedField('dryRun', values, ['All'])] : [];
}
