// RFC 6902 JSON Patch with RFC 6901 pointers, applied to a copy.
import { PatchError } from './merge-schema.ts';

/** One operation of a JSON patch. */
export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

type Container = unknown[] | Record<string, unknown>;

/** `document` after all operations; throws PatchError at the first that does not apply. */
export function applyJsonPatch(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new PatchError('a JSON patch must be an array of operations', true);
  const root = { '': structuredClone(document) };
  for (const operation of operations as JsonPatchOperation[]) applyNamed(root, operation);
  return root[''];
}

/** What an operation looks for and does not find is said in its name. */
function applyNamed(root: Record<string, unknown>, operation: JsonPatchOperation): void {
  try {
    applyOperation(root, operation);
  } catch (error) {
    if (error instanceof PatchError && error.message.startsWith('doc is missing')) throw new PatchError(`${operation.op} operation does not apply: ${error.message}: missing value`);
    throw error;
  }
}

function applyOperation(root: Record<string, unknown>, operation: JsonPatchOperation): void {
  const { op, path, from, value } = operation;
  if (typeof path !== 'string') throw new PatchError('a JSON patch operation needs a path');
  switch (op) {
    case 'add': add(root, path, structuredClone(value)); break;
    case 'remove': remove(root, path); break;
    case 'replace': replace(root, path, structuredClone(value)); break;
    case 'move': add(root, path, remove(root, from ?? '')); break;
    case 'copy': add(root, path, structuredClone(read(root, from ?? ''))); break;
    case 'test': if (!sameJson(read(root, path), value)) throw new PatchError(`testing value ${path} failed: test failed`); break;
    default: throw new PatchError(`Unexpected kind: ${String(op)}`);
  }
}

function sameJson(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && sameJson((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]));
}

function parsePointer(path: string): string[] {
  if (path !== '' && !path.startsWith('/')) throw new PatchError(`"${path}" is not a JSON pointer`);
  return path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The container of the last step, and that step. */
function locate(root: Record<string, unknown>, path: string): [Container, string] {
  const steps = parsePointer(path);
  const last = steps.pop() ?? '';
  let container: unknown = root;
  for (const step of steps) {
    container = Array.isArray(container) ? container[listIndex(container, step, path)] : ownField(container, step);
    if (typeof container !== 'object' || container === null) throw new PatchError(`doc is missing path: ${path}`);
  }
  return [container as Container, last];
}

function ownField(container: unknown, step: string): unknown {
  return typeof container === 'object' && container !== null && Object.hasOwn(container, step) ? (container as Record<string, unknown>)[step] : undefined;
}

function listIndex(list: readonly unknown[], step: string, path: string, end = list.length - 1): number {
  if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) > end) throw new PatchError(`invalid index "${step}" in path "${path}"`);
  return Number(step);
}

function read(root: Record<string, unknown>, path: string): unknown {
  const [container, last] = locate(root, path);
  if (Array.isArray(container)) return container[listIndex(container, last, path)];
  if (!Object.hasOwn(container, last)) throw new PatchError(`doc is missing key: ${path}`);
  return container[last];
}

function add(root: Record<string, unknown>, path: string, value: unknown): void {
  const [container, last] = locate(root, path);
  if (Array.isArray(container)) container.splice(last === '-' ? container.length : listIndex(container, last, path, container.length), 0, value);
  else setField(container, last, value);
}

function replace(root: Record<string, unknown>, path: string, value: unknown): void {
  const [container, last] = locate(root, path);
  if (Array.isArray(container)) container[listIndex(container, last, path)] = value;
  else setField(container, last, value);
}

/** Assignment that makes `__proto__` an ordinary field. */
function setField(container: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
}

function remove(root: Record<string, unknown>, path: string): unknown {
  const value = read(root, path);
  const [container, last] = locate(root, path);
  if (Array.isArray(container)) container.splice(listIndex(container, last, path), 1);
  else Reflect.deleteProperty(container, last);
  return value;
}
