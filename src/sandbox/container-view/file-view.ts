// The container's mounts: a path below a mount path is changed to the folder on the host that holds the volume, in
// every function of node:fs that takes a path.
import fs from 'node:fs';
import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import type { ContainerViewConfig } from './view-config.ts';

/** Functions whose first argument is a path; each also in its Sync and promise form where there is one. */
const ONE_PATH = ['access', 'appendFile', 'chmod', 'chown', 'createReadStream', 'createWriteStream', 'exists', 'lchown', 'lstat', 'lutimes', 'mkdir', 'mkdtemp', 'open', 'openAsBlob', 'opendir', 'readFile', 'readdir', 'rm', 'rmdir', 'stat', 'statfs', 'truncate', 'unlink', 'unwatchFile', 'utimes', 'watch', 'watchFile', 'writeFile', 'readlink'];
const TWO_PATHS = ['copyFile', 'cp', 'link', 'rename', 'symlink'];

type AnyFunction = ((...values: unknown[]) => unknown) & { native?: AnyFunction };
type Functions = Record<string, AnyFunction | undefined>;

/** What the mapping of paths needs to know. */
export type PathMap = Pick<ContainerViewConfig, 'mounts' | 'kept'>;

/** The path on the host for a path in the container. */
export function mapPath(map: PathMap, path: string): string {
  if (path.charCodeAt(0) !== 47) return path;
  for (const [inside, outside] of map.mounts) {
    if (!isBelow(path, inside)) continue;
    // Node's streams open their files with the functions below, so a path may come by a second time.
    return map.kept.some((folder) => folder.length > inside.length && isBelow(path, folder)) ? path : outside + path.slice(inside.length);
  }
  return path;
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path.charCodeAt(folder.length) === 47);
}

/** The path in the container for a path on the host. */
export function unmapPath(mounts: ContainerViewConfig['mounts'], path: string): string {
  const found = mounts.find(([, outside]) => path === outside || path.startsWith(`${outside}/`));
  return found ? found[0] + path.slice(found[1].length) : path;
}

/** Changes the file system functions of this process. */
export function viewFiles(map: PathMap): void {
  const change = (path: unknown): unknown => {
    if (typeof path === 'string') return mapPath(map, path);
    if (path instanceof URL && path.protocol === 'file:') return mapPath(map, fileURLToPath(path));
    return Buffer.isBuffer(path) ? mapPath(map, path.toString()) : path;
  };
  for (const functions of [fs as unknown as Functions, fs.promises as unknown as Functions]) {
    for (const name of ONE_PATH) for (const form of [name, `${name}Sync`]) replace(functions, form, (original) => function (this: unknown, path, ...rest) { return original.call(this, change(path), ...rest); });
    for (const name of TWO_PATHS) for (const form of [name, `${name}Sync`]) replace(functions, form, (original) => function (this: unknown, from, to, ...rest) { return original.call(this, change(from), change(to), ...rest); });
  }
  viewRealPath(map.mounts, change);
}

function replace(functions: Functions, name: string, build: (original: AnyFunction) => (this: unknown, ...values: unknown[]) => unknown): void {
  const original = functions[name];
  // fs.promises repeats none of the Sync forms.
  if (typeof original !== 'function') return;
  const replacement = build(original) as AnyFunction;
  for (const key of Reflect.ownKeys(original)) {
    const property = Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor;
    if (typeof key === 'symbol' || key === 'name') Object.defineProperty(replacement, key, property);
  }
  functions[name] = replacement;
}

// The answer of realpath must be a path that the program can use again: what was changed on the way in is changed back.
function viewRealPath(mounts: ContainerViewConfig['mounts'], change: (path: unknown) => unknown): void {
  const back = (asked: unknown, mapped: unknown, found: unknown): unknown => (typeof found === 'string' && mapped !== asked ? unmapPath(mounts, found) : found);
  const withCallback = (original: AnyFunction): AnyFunction => function (this: unknown, path: unknown, ...rest: unknown[]) {
    const callback = rest.pop() as AnyFunction;
    const mapped = change(path);
    return original.call(this, mapped, ...rest, (error: unknown, found: unknown) => callback(error, back(path, mapped, found)));
  };
  const direct = (original: AnyFunction): AnyFunction => function (this: unknown, path: unknown, ...rest: unknown[]) {
    const mapped = change(path);
    return back(path, mapped, original.call(this, mapped, ...rest));
  };
  const put = (name: string, form: (original: AnyFunction) => AnyFunction): void => {
    const functions = fs as unknown as Record<string, AnyFunction>;
    const original = functions[name] as AnyFunction;
    const changed = form(original);
    if (original.native) changed.native = form(original.native);
    functions[name] = changed;
  };
  put('realpath', withCallback);
  put('realpathSync', direct);
  const promises = fs.promises as unknown as Record<string, AnyFunction>;
  const original = promises['realpath'] as AnyFunction;
  promises['realpath'] = async (path, ...rest) => {
    const mapped = change(path);
    return back(path, mapped, await original(mapped, ...rest));
  };
}
