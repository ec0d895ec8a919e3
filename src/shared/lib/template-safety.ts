// Keeps users' values from becoming YAML structure when a handlebars template puts them down bare: every expression that is not
// quoted or serialized by a helper is passed through a check. Both template engines of the project use it on their parsed templates.

/** Helpers whose output is YAML or JSON of its own: nothing in their argument can end the scalar that it stands in. */
const SERIALIZING_HELPERS: ReadonlySet<string> = new Set(['toYaml', 'toJson', 'quote', 'b64']);

/** Name of the helper that checks a bare value; engines register `checkPlainScalar` under it. */
export const PLAIN_SCALAR_HELPER = 'plainScalar';

/** A node of a parsed handlebars template, as far as this file looks at it. */
interface TemplateNode {
  type: string;
  body?: TemplateNode[];
  program?: TemplateNode | null;
  inverse?: TemplateNode | null;
  path?: TemplateNode & { original?: unknown };
  params?: TemplateNode[];
  hash?: unknown;
}

/** The text of a value that stands bare in YAML; throws when the value could be more than one plain scalar. */
export function checkPlainScalar(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new Error('a list or map stands where a single value belongs');
  const breaksOut = /[\u0000-\u001f\u007f\u0085\u2028\u2029"'`{}[\]#\\]|: |:$|^[-?:](?: |$)|^[&*!|>%@, ]|^---|^\.\.\./u.test(value);
  if (breaksOut) throw new Error(`the value ${JSON.stringify(value.slice(0, 80))} holds characters that may not stand in a plain YAML value`);
  return value;
}

/** Changes the parsed template `program` so that each bare expression goes through the helper `plainScalar`; returns it. */
export function checkBareExpressions<T>(program: T): T {
  visit(program as unknown as TemplateNode);
  return program;
}

function visit(node: TemplateNode): void {
  for (const child of node.body ?? []) {
    if (child.type === 'MustacheStatement') wrap(child);
    else visit(child);
  }
  if (node.program) visit(node.program);
  if (node.inverse) visit(node.inverse);
}

function wrap(mustache: TemplateNode): void {
  if (serializes(mustache)) return;
  const { path, params = [], hash } = mustache;
  if (!path) return;
  const inner = params.length > 0 || hash ? { ...mustache, type: 'SubExpression' } : path;
  mustache.params = [inner];
  delete mustache.hash;
  mustache.path = { ...path, type: 'PathExpression', original: PLAIN_SCALAR_HELPER, ...{ data: false, depth: 0, parts: [PLAIN_SCALAR_HELPER], head: PLAIN_SCALAR_HELPER, tail: [] } };
}

// `indent 4 (toYaml x)` is as safe as what it indents.
function serializes({ path, params = [] }: TemplateNode): boolean {
  const name = String(path?.original ?? '');
  if (SERIALIZING_HELPERS.has(name)) return params.length > 0;
  const last = params.at(-1);
  return name === 'indent' && last?.type === 'SubExpression' && serializes(last);
}
