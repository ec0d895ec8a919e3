// Injection templates: handlebars text that gives the YAML of a partial pod. The helpers are the template author's whole language.
import Handlebars from 'handlebars';
import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { PLAIN_SCALAR_HELPER, checkBareExpressions, checkPlainScalar, encodeBase64, err, errorIssue, type Issue, ok, type Result } from '../../shared/lib/index.ts';
import { isPlainObject, type PlainObject } from './pod.ts';

/** What a template gave: parts of a pod, and what goes into each of the pod's own containers. */
export interface RenderedTemplate {
  readonly metadata: PlainObject;
  readonly spec: PlainObject;
  readonly appContainers: PlainObject;
}

/** A template ready to be rendered. */
export interface CompiledTemplate {
  readonly name: string;
  render(context: object): Result<RenderedTemplate, Issue[]>;
}

const CODE = 'MESH_INJECT_TEMPLATE';
const engine = Handlebars.create();

/** Compiles the text of the template `name`; a syntax error is an issue. */
export function compileTemplate(name: string, text: string): Result<CompiledTemplate, Issue[]> {
  try {
    // A pod's annotations reach the template: what is not serialized by a helper must be a plain scalar.
    const template = engine.compile(checkBareExpressions(Handlebars.parse(text)), { noEscape: true });
    return ok({ name, render: (context) => render(name, template, context) });
  } catch (error) {
    return err([errorIssue(CODE, `templates.${name}`, `does not parse: ${(error as Error).message}`)]);
  }
}

function render(name: string, template: Handlebars.TemplateDelegate, context: object): Result<RenderedTemplate, Issue[]> {
  let output: unknown;
  try {
    output = parseYaml(template(context), { maxAliasCount: 0, uniqueKeys: false }) ?? {};
  } catch (error) {
    return err([errorIssue(CODE, `templates.${name}`, `does not render to YAML: ${(error as Error).message}`)]);
  }
  if (!isPlainObject(output)) return err([errorIssue(CODE, `templates.${name}`, 'must render to a map with metadata, spec or appContainers')]);
  const issues: Issue[] = [];
  for (const key of Object.keys(output)) {
    if (key !== 'metadata' && key !== 'spec' && key !== 'appContainers') issues.push(errorIssue(CODE, `templates.${name}`, `renders the unknown key ${key}; metadata, spec and appContainers are known`));
    else if (output[key] !== null && !isPlainObject(output[key])) issues.push(errorIssue(CODE, `templates.${name}.${key}`, 'must be a map'));
  }
  if (issues.length > 0) return err(issues);
  const part = (key: string): PlainObject => (isPlainObject(output[key]) ? output[key] : {});
  return ok({ metadata: part('metadata'), spec: part('spec'), appContainers: part('appContainers') });
}

// Handlebars passes its own options object as the last argument of every helper.
const values = (args: readonly unknown[]): unknown[] => args.slice(0, -1);
const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '' || value === false || (Array.isArray(value) && value.length === 0);
const metadataOf = (root: unknown, map: string): PlainObject => {
  const metadata = isPlainObject(root) && isPlainObject(root['metadata']) ? root['metadata'][map] : undefined;
  return isPlainObject(metadata) ? metadata : {};
};

engine.registerHelper(PLAIN_SCALAR_HELPER, checkPlainScalar);
engine.registerHelper({
  toYaml: (value: unknown) => (value === undefined ? '' : stringifyYaml(value, { lineWidth: 0 }).trimEnd()),
  toJson: (value: unknown) => JSON.stringify(value ?? null),
  indent: (count: number, text: unknown) => String(text ?? '').split('\n').map((line) => (line === '' ? line : ' '.repeat(count) + line)).join('\n'),
  quote: (value: unknown) => JSON.stringify(value === undefined || value === null ? '' : String(value)),
  default: (value: unknown, fallback: unknown) => (isEmpty(value) ? fallback : value),
  required: (value: unknown, message: unknown) => {
    if (isEmpty(value)) throw new Error(String(message));
    return value;
  },
  b64: (value: unknown) => encodeBase64(String(value ?? '')),
  annotation: (...args: unknown[]) => lookUp('annotations', args),
  label: (...args: unknown[]) => lookUp('labels', args),
  eq: (left: unknown, right: unknown) => left === right,
  ne: (left: unknown, right: unknown) => left !== right,
  and: (...args: unknown[]) => values(args).every((value) => !isEmpty(value)),
  or: (...args: unknown[]) => values(args).find((value) => !isEmpty(value)) ?? false,
  not: (value: unknown) => isEmpty(value),
  join: (list: unknown, separator: unknown) => (Array.isArray(list) ? list.join(String(separator)) : ''),
  split: (text: unknown, separator: unknown) => String(text ?? '').split(String(separator)).filter((item) => item !== ''),
  includes: (list: unknown, item: unknown) => Array.isArray(list) && list.includes(item),
});

function lookUp(map: 'annotations' | 'labels', args: readonly unknown[]): unknown {
  const [name, fallback] = values(args);
  const options = args.at(-1) as Handlebars.HelperOptions;
  const root: unknown = options.data?.root;
  return metadataOf(root, map)[String(name)] ?? fallback ?? '';
}
