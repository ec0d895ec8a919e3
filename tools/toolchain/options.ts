// The options of the tools' programs: declared once, from which both the parsing and --help come. What is wrong with a command line is said in one line that
// names the option and what it takes.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What is wrong with a command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One option: how it is written, what it means, and how what was given becomes a value. */
export interface Option<T> {
  /** What stands for its value in --help; undefined for one without a value. */
  readonly value: string | undefined;
  readonly meaning: string;
  /** May be given several times. */
  readonly many?: boolean;
  /** One letter that stands for it too. */
  readonly short?: string;
  /** Makes the value of all that was given, in order; throws a UsageError that begins with `option`. */
  readonly read: (given: readonly string[], option: string) => T;
}

/** An option without a value. */
export function flag(meaning: string): Option<boolean> {
  return { value: undefined, meaning, read: (given) => given.length > 0 };
}

/** An option that takes any text; undefined when it was not given. */
export function text(value: string, meaning: string, short?: string): Option<string | undefined> {
  return { value, meaning, ...(short === undefined ? {} : { short }), read: ([given]) => given };
}

/** An option that takes any text, with what it is when it was not given. */
export function textOr(value: string, fallback: string, meaning: string): Option<string> {
  return { value, meaning: `${meaning} (default: ${fallback})`, read: ([given = fallback]) => given };
}

/** An option that takes one of some words. */
export function oneOf<K extends string>(value: string, known: readonly K[], fallback: K, meaning: string): Option<K> {
  return { value, meaning: `${meaning} (default: ${fallback})`, read: ([given = fallback], option) => knownWord(option, given, known) };
}

/** An option that may be given several times and takes words out of some; empty when it was not given. `spelled` is applied to what is given. */
export function someOf<K extends string>(value: string, known: readonly K[], meaning: string, spelled: (given: string) => string = (given) => given): Option<readonly K[]> {
  return { value, meaning, many: true, read: (given, option) => given.map((each) => knownWord(option, spelled(each), known, each)) };
}

/** An option that takes a whole number within bounds. */
export function wholeNumber(value: string, bounds: { readonly minimum: number; readonly maximum: number; readonly fallback: number }, meaning: string): Option<number> {
  const { minimum, maximum, fallback } = bounds;
  return {
    value, meaning: `${meaning} (default: ${fallback})`,
    read: ([given = String(fallback)], option) => {
      const number = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
      if (!(number >= minimum && number <= maximum)) throw new UsageError(`${option} is a whole number from ${minimum} to ${maximum}, not '${given}'`);
      return number;
    },
  };
}

/** An option that may be given several times and takes files that are there; gives their whole paths. `origin` says where such files come from. */
export function files(value: string, origin: string, meaning: string): Option<readonly string[]> {
  return {
    value, meaning, many: true,
    read: (given, option) => given.map((path) => {
      if (!existsSync(path)) throw new UsageError(`${option} ${path}: there is no such file; ${origin}`);
      return resolve(path);
    }),
  };
}

function knownWord<K extends string>(option: string, word: string, known: readonly K[], given = word): K {
  const found = known.find((each) => each === word);
  if (found === undefined) throw new UsageError(`${option} is ${known.length > 2 ? `one of ${known.join(', ')}` : known.join(' or ')}, not '${given}'`);
  return found;
}

/** Options by their names, without dashes. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** What a program takes, and what it is. */
export interface Usage<O extends Options> {
  /** As npm calls it: `cluster:up`. */
  readonly program: string;
  /** How it is called; by `npm run <program>` when absent. */
  readonly command?: string;
  /** What it does: a sentence or a few, in lines as they are printed. */
  readonly about: string;
  readonly options: O;
  /** What may stand beside options, such as `[file filters]`; nothing when absent. */
  readonly operands?: string;
  /** Who gets what stands behind `--`; nobody when absent. */
  readonly passesTo?: string;
  /** What --help ends with. */
  readonly notes?: string;
}

/** A command line, understood. */
export interface CommandLine<O extends Options> {
  readonly values: { readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never };
  readonly operands: readonly string[];
  /** What stood behind `--`. */
  readonly passed: readonly string[];
}

/** Understands a command line; undefined when it asks for help. Throws a UsageError with what is wrong. */
export function parseCommandLine<O extends Options>(usage: Usage<O>, args: readonly string[]): CommandLine<O> | undefined {
  const { given, operands, passed } = gather(usage, args);
  if (given.has('help')) return undefined;
  if (usage.operands === undefined && operands[0] !== undefined) throw new UsageError(`'${operands[0]}' is no option; options begin with --`);
  if (usage.passesTo === undefined && passed[0] !== undefined) throw new UsageError(`nothing is expected behind --, and there is '${passed[0]}'`);
  const values = Object.fromEntries(Object.entries(usage.options).map(([name, option]) => {
    const all = given.get(name) ?? [];
    if (all.length > 1 && option.many !== true && option.value !== undefined) throw new UsageError(`--${name} is given ${all.length} times; it takes one value`);
    return [name, option.read(all, `--${name}`)];
  }));
  return { values: values as CommandLine<O>['values'], operands, passed };
}

interface Gathered {
  readonly given: Map<string, string[]>;
  readonly operands: string[];
  readonly passed: string[];
}

function gather({ options, passesTo }: Usage<Options>, args: readonly string[]): Gathered {
  const all: Options = { ...options, help: { ...flag(''), short: 'h' } };
  const config = Object.fromEntries(Object.entries(all).map(([name, { value, short }]) => [name, { type: value === undefined ? 'boolean' as const : 'string' as const, ...(short === undefined ? {} : { short }) }]));
  const { tokens } = parseArgs({ args: [...args], strict: false, allowPositionals: true, tokens: true, options: config });
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? args.length;
  const result: Gathered = { given: new Map(), operands: [], passed: args.slice(end + 1) };
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index < end) result.operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(all, token.name) ? all[token.name] : undefined;
    if (option === undefined) throw new UsageError(`there is no option ${token.rawName}${nearest(token.name, Object.keys(all)) || (passesTo === undefined ? '' : `; those of ${passesTo} stand behind a further --`)}`);
    if (option.value === undefined && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value, and is given '${token.value}'`);
    // Without a value of its own an option would swallow the next one.
    if (option.value !== undefined && (token.value === undefined || (!token.inlineValue && /^-./.test(token.value)))) throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}`);
    result.given.set(token.name, [...result.given.get(token.name) ?? [], token.value ?? '']);
  }
  return result;
}

function nearest(name: string, known: readonly string[]): string {
  const near = known.find((each) => each.startsWith(name) || name.startsWith(each) || [...each].sort().join('') === [...name].sort().join(''));
  return near === undefined || name === '' ? '' : `; there is --${near}`;
}

/** The text of --help. */
export function helpText(usage: Usage<Options>): string {
  const { program, command = `npm run ${program}`, about, options, operands, passesTo, notes } = usage;
  const rows = [
    ...Object.entries(options).map(([name, { value, meaning, many, short }]) => [`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`, many === true ? `${meaning}; may be given several times` : meaning]),
    ['--help', 'prints this'],
  ];
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2;
  const parts = [`${command} --`, '[options]', ...(operands === undefined ? [] : [operands]), ...(passesTo === undefined ? [] : [`[-- arguments of ${passesTo}]`])];
  return `${about}\n\n  ${parts.join(' ')}\n\n${rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}${right}\n`).join('')}${notes === undefined ? '' : `\n${notes}\n`}`;
}
