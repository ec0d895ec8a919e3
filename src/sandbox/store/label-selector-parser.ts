// Reads the text form of label selectors, `app=web,tier in (a, b),!old`, with the grammar and the complaints of Kubernetes' own parser.

/** One requirement of a LabelSelector object. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A selector that cannot be read. */
export class SelectorError extends Error {}

const SYMBOLS = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];
const OPERATORS: Readonly<Record<string, string>> = { '=': 'In', '==': 'In', '!=': 'NotIn', in: 'In', notin: 'NotIn', '>': 'Gt', '<': 'Lt' };
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** The requirements of a selector's text. */
export function parseRequirements(text: string): LabelRequirement[] {
  return new Parser(tokensOf(text)).parse();
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length;) {
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
    if (symbol !== undefined) {
      tokens.push(symbol);
      at += symbol.length;
    } else {
      const word = /^[^\s=!(),<>]+/.exec(text.slice(at))?.[0] ?? '';
      if (word !== '') tokens.push(word);
      at += Math.max(1, word.length);
    }
  }
  return tokens;
}

const isWord = (token: string): boolean => token !== '' && !SYMBOLS.includes(token);

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      if (this.#peek() === '') return requirements;
      if (!isWord(this.#peek()) && this.#peek() !== '!') throw new SelectorError(`found '${this.#peek()}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const separator = this.#next();
      if (separator === '') return requirements;
      if (separator !== ',') throw new SelectorError(`found '${separator}', expected: ',' or 'end of string'`);
      if (!isWord(this.#peek()) && this.#peek() !== '!') throw new SelectorError(`found '${this.#peek()}', expected: identifier after ','`);
    }
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek() === '!';
    if (negated) this.#at += 1;
    const key = this.#next();
    if (!isWord(key)) throw problem(`found '${key}', expected: identifier`);
    checkKey(key);
    if (negated) return { key, operator: 'DoesNotExist' };
    if (this.#peek() === '' || this.#peek() === ',') return { key, operator: 'Exists' };
    const word = this.#next();
    const operator = OPERATORS[word];
    if (operator === undefined) throw problem(`found '${word}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = word === 'in' || word === 'notin' ? this.#values() : [this.#value()];
    if ((operator === 'Gt' || operator === 'Lt') && !/^-?\d+$/.test(values[0] ?? '')) throw problem(`values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`);
    return { key, operator, values };
  }

  #value(): string {
    // An empty value is a value.
    return isWord(this.#peek()) ? this.#next() : '';
  }

  #values(): string[] {
    const open = this.#next();
    if (open !== '(') throw problem(`found '${open}' expected: '('`);
    const values = [this.#value()];
    for (;;) {
      const token = this.#next();
      if (token === ')') return [...new Set(values)].sort();
      if (token !== ',') throw problem(`found '${token}', expected: ',' or ')'`);
      values.push(this.#value());
    }
  }
}

function problem(text: string): SelectorError {
  return new SelectorError(`unable to parse requirement: ${text}`);
}

function checkKey(key: string): void {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && !SUBDOMAIN.test(prefix)) {
    throw problem(`<nil>: Invalid value: ${JSON.stringify(key)}: prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`);
  }
  if (!NAME.test(name)) throw problem(`<nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`);
}
