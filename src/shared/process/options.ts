// A program's options: flags first, then environment variables, then defaults, parsed once at the start. No schema library: the proxy uses it too.
import { err, ok, parseDuration, type Result } from '../lib/index.ts';

interface OptionBase<T> {
  /** Environment variable that gives the value when the flag does not. */
  readonly env?: string;
  readonly default?: T;
  /** One line for the help text. */
  readonly help: string;
}

/** How one option is written and what it becomes. Durations are written like `15s`, `500ms`, `1h30m` and become milliseconds. */
export type OptionSpec =
  | (OptionBase<string> & { readonly kind: 'string' })
  | (OptionBase<number> & { readonly kind: 'number' })
  | (OptionBase<boolean> & { readonly kind: 'boolean' })
  | (OptionBase<number> & { readonly kind: 'duration' })
  | (OptionBase<readonly string[]> & { readonly kind: 'list' });

type ValueOf<S extends OptionSpec> = S extends { kind: 'string' } ? string : S extends { kind: 'boolean' } ? boolean : S extends { kind: 'list' } ? readonly string[] : number;

/** Values by option name; those without a default may be undefined. */
export type OptionValues<S extends Readonly<Record<string, OptionSpec>>> = { readonly [K in keyof S]: S[K] extends { readonly default: unknown } ? ValueOf<S[K]> : ValueOf<S[K]> | undefined };

/** Reads options named in camelCase from flags in kebab-case (`--log-level debug`, `--log-level=debug`, `--dry-run`) and the environment; gives all that is wrong at once. Words that are no flags are in `rest`. */
export function parseOptions<const S extends Readonly<Record<string, OptionSpec>>>(specs: S, args: readonly string[], env: Readonly<Record<string, string | undefined>>): Result<{ readonly values: OptionValues<S>; readonly rest: readonly string[] }, readonly string[]> {
  const problems: string[] = [];
  const { texts, rest } = readFlags(specs, args, problems);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const fromEnv = spec.env === undefined ? undefined : env[spec.env];
    const text = texts.get(name) ?? (fromEnv === '' ? undefined : fromEnv);
    const source = texts.has(name) ? flagOf(name) : spec.env ?? name;
    values[name] = text === undefined ? spec.default : parseValue(spec, text, source, problems);
  }
  return problems.length > 0 ? err(problems) : ok({ values: values as OptionValues<S>, rest });
}

/** The help text of the options, one line each. */
export function describeOptions(specs: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(specs).map(([name, spec]) => {
    const value = spec.kind === 'boolean' ? '' : ` ${spec.kind.toUpperCase()}`;
    const notes = [spec.default === undefined || spec.default === false ? '' : `default ${String(spec.default)}`, spec.env ? `env ${spec.env}` : ''].filter((note) => note !== '');
    return [`  ${flagOf(name)}${value}`, `${spec.help}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}\n`).join('');
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function readFlags(specs: Readonly<Record<string, OptionSpec>>, args: readonly string[], problems: string[]): { texts: Map<string, string>; rest: string[] } {
  const names = new Map(Object.keys(specs).map((name) => [flagOf(name), name]));
  const texts = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (word === '--') {
      rest.push(...args.slice(index + 1));
      break;
    }
    if (!word.startsWith('--')) {
      rest.push(word);
      continue;
    }
    const [flag = '', inline] = splitOnce(word);
    const name = names.get(flag);
    const spec = name === undefined ? undefined : specs[name];
    if (name === undefined || !spec) problems.push(`unknown flag ${flag}`);
    else if (inline !== undefined) texts.set(name, inline);
    else if (spec.kind === 'boolean') texts.set(name, 'true');
    else if (index + 1 >= args.length) problems.push(`${flag} needs a value`);
    else texts.set(name, args[(index += 1)] ?? '');
  }
  return { texts, rest };
}

function splitOnce(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function parseValue(spec: OptionSpec, text: string, source: string, problems: string[]): unknown {
  switch (spec.kind) {
    case 'string': return text;
    case 'list': return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
    case 'boolean':
      if (text !== 'true' && text !== 'false') problems.push(`${source}: '${text}' is neither true nor false`);
      return text === 'true';
    case 'number':
      if (text.trim() === '' || !Number.isFinite(Number(text))) problems.push(`${source}: '${text}' is not a number`);
      return Number(text);
    case 'duration': {
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined || milliseconds < 0) problems.push(`${source}: '${text}' is not a duration like 15s or 500ms`);
      return milliseconds;
    }
  }
}
