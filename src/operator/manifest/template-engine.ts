// Handlebars with the few helpers that component templates may use. The output is YAML, not HTML: what is not serialized by a helper
// must be a plain scalar, so that no value of a user can add structure or documents.
import Handlebars from 'handlebars';
import { stringify } from 'yaml';
import { PLAIN_SCALAR_HELPER, checkBareExpressions, checkPlainScalar, encodeBase64, err, errorIssue, type Issue, ok, type Result } from '../../shared/lib/index.ts';

/** Renders one template of a version. */
export type RenderTemplate = (path: string, context: object) => Result<string, Issue[]>;

const COMPILE_OPTIONS = { noEscape: true, strict: false };

/** The renderer for a version's files, its partials registered. */
export function templateEngine(files: ReadonlyMap<string, string>): RenderTemplate {
  const engine = Handlebars.create();
  registerHelpers(engine);
  for (const [path, text] of files) {
    const partial = /^partials\/(.+)\.hbs$/.exec(path)?.[1];
    if (partial !== undefined) engine.registerPartial(partial, engine.compile(checkBareExpressions(Handlebars.parse(text)), COMPILE_OPTIONS));
  }
  const compiled = new Map<string, Handlebars.TemplateDelegate>();
  return (path, context) => {
    try {
      const template = compiled.get(path) ?? engine.compile(checkBareExpressions(Handlebars.parse(files.get(path) ?? '')), COMPILE_OPTIONS);
      compiled.set(path, template);
      return ok(template(context));
    } catch (error) {
      return err([errorIssue('MESH_OP_TEMPLATE', path, `the template does not render: ${(error as Error).message}`)]);
    }
  };
}

function registerHelpers(engine: typeof Handlebars): void {
  engine.registerHelper(PLAIN_SCALAR_HELPER, checkPlainScalar);
  engine.registerHelper({
    toYaml: (value: unknown) => (value === undefined ? '{}' : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()),
    toJson: (value: unknown) => JSON.stringify(value ?? null),
    indent: (spaces: number, text: unknown) => String(text).split('\n').map((line) => (line === '' ? line : ' '.repeat(spaces) + line)).join('\n'),
    quote: (value: unknown) => JSON.stringify(String(value ?? '')),
    b64: (text: unknown) => encodeBase64(String(text ?? '')),
    // Handlebars adds its own options object as the last argument.
    default: (...args: unknown[]) => args.slice(0, -1).find((value) => value !== undefined && value !== null && value !== ''),
    required: (value: unknown, message: string) => {
      if (value === undefined || value === null || value === '') throw new Error(message);
      return value;
    },
  });
}
