// Collects what is wrong with one xDS resource while it is compiled: errors refuse it (NACK), warnings are listed and ignored.
// Used by every compiler of this folder. Paths are dotted, in the field names of the protocol (snake_case).
import { err, errorIssue, hasErrors, ok, warningIssue, type Issue, type Result } from '../../shared/lib/index.ts';

/** The findings of one resource. */
export class Findings {
  readonly issues: Issue[] = [];
  readonly #kind: string;
  readonly #name: string;

  constructor(kind: string, name: string) {
    this.#kind = kind;
    this.#name = name;
  }

  /** The resource can not be used as it is. */
  refuse(path: string, message: string): void {
    this.issues.push({ ...errorIssue('PROXY_CONFIG_REFUSED', path, message), object: { kind: this.#kind, name: this.#name } });
  }

  /** The field has no effect here and does no harm. */
  ignore(path: string, message: string): void {
    this.issues.push({ ...warningIssue('PROXY_CONFIG_IGNORED', path, message), object: { kind: this.#kind, name: this.#name } });
  }

  /** Refuses each of `fields` that is set in `message`: they would change behaviour and are not supported. */
  refuseFields<T extends object>(message: T, path: string, fields: readonly (keyof T & string)[]): void {
    for (const field of fields) if (isSet(message[field])) this.refuse(join(path, snakeCase(field)), 'This field is not supported by this proxy. Remove it.');
  }

  /** Lists each of `fields` that is set in `message`: they have no effect. */
  ignoreFields<T extends object>(message: T, path: string, fields: readonly (keyof T & string)[]): void {
    for (const field of fields) if (isSet(message[field])) this.ignore(join(path, snakeCase(field)), 'This field has no effect in this proxy.');
  }

  /** `value` unless something refuses the resource. Warnings are added to `warnings`. */
  result<T>(value: T, warnings?: Issue[]): Result<T, Issue[]> {
    if (hasErrors(this.issues)) return err(this.issues.filter((issue) => issue.level === 'error'));
    warnings?.push(...this.issues);
    return ok(value);
  }
}

/** `path` with a field added. */
export function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

/** Whether a protobuf field holds anything but its default. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === '' || value === false) return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && !('$case' in value)) return isMap(value) ? Object.keys(value).length > 0 : true;
  return true;
}

/** An empty plain object is an empty map (or an empty message, which says as little). */
function isMap(value: object): boolean {
  return Object.keys(value).length === 0;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
