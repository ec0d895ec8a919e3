// Kubernetes Status answers: the errors of every handler, in the words of the real API server.
import type { FieldError } from '../schema/index.ts';
import { ApiStatusError } from './internal-client.ts';

/** Group and plural or kind, for messages. */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

const qualified = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);
const detailsOf = (info: Named, name: string): object => ({ ...(name === '' ? {} : { name }), ...(info.group === '' ? {} : { group: info.group }), kind: info.plural });

/** 404 for an object. */
export function notFound(info: Named, name: string): ApiStatusError {
  return new ApiStatusError(404, 'NotFound', `${qualified(info.plural, info.group)} "${name}" not found`, detailsOf(info, name));
}

/** 404 for a path. */
export function noSuchPath(): ApiStatusError {
  return new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 404 for a path that nobody has: no Status, only a line of text. */
export class NoSuchPage extends ApiStatusError {
  constructor() {
    super(404, 'NotFound', '404 page not found');
  }
}

/** 409 for a name that is taken. */
export function alreadyExists(info: Named, name: string): ApiStatusError {
  return new ApiStatusError(409, 'AlreadyExists', `${qualified(info.plural, info.group)} "${name}" already exists`, detailsOf(info, name));
}

/** 409 for a resourceVersion or uid that is not the present one. */
export function conflict(info: Named, name: string, reason = 'the object has been modified; please apply your changes to the latest version and try again'): ApiStatusError {
  return new ApiStatusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(info.plural, info.group)} "${name}": ${reason}`, detailsOf(info, name));
}

/** 422 with one cause a field. */
export function invalidObject(info: Named, given: string | undefined, errors: readonly FieldError[]): ApiStatusError {
  const name = given ?? '';
  const texts = [...new Set(errors.map((error) => `${error.path === '' ? '<nil>' : error.path}: ${error.message}`))];
  const message = `${qualified(info.kind, info.group)} "${name}" is invalid: ${texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`}`;
  const causes = errors.map(({ reason, message: text, path }) => ({ reason, message: text, field: path === '' ? '<nil>' : path }));
  return new ApiStatusError(422, 'Invalid', message, { ...(name === '' ? {} : { name }), ...(info.group === '' ? {} : { group: info.group }), ...(info.kind === '' ? {} : { kind: info.kind }), causes });
}

/** 403 that names the object. */
export function forbidden(info: Named, name: string, reason: string, causes?: readonly object[]): ApiStatusError {
  return new ApiStatusError(403, 'Forbidden', `${qualified(info.plural, info.group)}${name === '' ? '' : ` "${name}"`} is forbidden: ${reason}`, { ...detailsOf(info, name), ...(causes ? { causes } : {}) });
}

/** 400 for a request that cannot be understood. */
export function badRequest(message: string): ApiStatusError {
  return new ApiStatusError(400, 'BadRequest', message);
}

/** 405 for a verb that the resource has not. */
export function methodNotAllowed(): ApiStatusError {
  return new ApiStatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** 410 for a resourceVersion or continue token that is too old. */
export function expired(message: string): ApiStatusError {
  return new ApiStatusError(410, 'Expired', message);
}

/** 415 for a body in a form that is not spoken here. */
export function unsupportedMediaType(accepted: readonly string[]): ApiStatusError {
  return new ApiStatusError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
}

/** 500 for what should not happen or a webhook that could not be called. */
export function internalError(message: string): ApiStatusError {
  return new ApiStatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** The Status object of an error. */
export function statusOf(error: ApiStatusError): Record<string, unknown> {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: error.message, ...(error.reason === '' ? {} : { reason: error.reason }), ...(error.details === undefined ? {} : { details: error.details }), code: error.code };
}
