// The small part of kubectl's JSONPath that printer columns and scale paths use: .field, ['field'], [0], [*], and
// filters of one comparison, for example .status.conditions[?(@.type=="Ready")].status.

type Step = (value: unknown) => unknown[];

const cache = new Map<string, Step[]>();

/** Every value at `path`. */
export function evaluateJsonPath(path: string, root: unknown): unknown[] {
  let steps = cache.get(path);
  if (!steps) {
    steps = compile(path);
    cache.set(path, steps);
  }
  let values: unknown[] = [root];
  for (const step of steps) values = values.flatMap(step);
  return values.filter((value) => value !== undefined && value !== null);
}

/** `root` with `value` at a simple dotted path. */
export function setAtPath(root: object, path: string, value: unknown): void {
  const names = path.split('.').filter((name) => name !== '');
  const last = names.pop() ?? '';
  let object = root as Record<string, unknown>;
  for (const name of names) {
    object[name] ??= {};
    object = object[name] as Record<string, unknown>;
  }
  object[last] = value;
}

function compile(path: string): Step[] {
  const steps: Step[] = [];
  const pattern = /\[\?\(\s*@\.?([^=<>!\s]*)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*\)\]|\['([^']*)'\]|\[(\d+|\*)\]|\.((?:\\.|[^.[\]])+)/g;
  for (const match of path.replace(/^\{?\$?|\}$/g, '').matchAll(pattern)) {
    const [, field, operator, double, single, bare, quoted, index, name] = match;
    if (field !== undefined) {
      const wanted = double ?? single ?? bare ?? '';
      steps.push((value) => items(value).filter((item) => (String(readPath(item, field)) === wanted) === (operator === '==')));
    } else if (index === '*') steps.push(items);
    else if (index !== undefined) steps.push((value) => (Array.isArray(value) ? [value[Number(index)]] : []));
    else {
      const key = quoted ?? (name ?? '').replaceAll(/\\(.)/g, '$1');
      steps.push(key === '*' ? items : (value) => (typeof value === 'object' && value !== null ? [(value as Record<string, unknown>)[key]] : []));
    }
  }
  return steps;
}

function items(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function readPath(value: unknown, path: string): unknown {
  let current = value;
  for (const name of path.split('.')) current = typeof current === 'object' && current !== null ? (current as Record<string, unknown>)[name] : undefined;
  return current;
}
