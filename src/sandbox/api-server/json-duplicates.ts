// Fields that a JSON text has twice: the last one counts, but whoever sent it is told.

/** Paths of the fields of a text that is JSON which stand there a second time, such as `metadata.name` or `spec.ports[1].port`. */
export function duplicateFields(text: string): string[] {
  const scanner = new Scanner(text);
  scanner.value('');
  return scanner.found;
}

class Scanner {
  readonly found: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(path: string): void {
    switch (this.#next()) {
      case '{': this.#object(path); break;
      case '[': this.#array(path); break;
      case '"': this.#string(); break;
      default: this.#scalar();
    }
  }

  /** The next character that is no space, which is not taken. */
  #next(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    return this.#text[this.#at] ?? '';
  }

  #object(path: string): void {
    this.#at += 1;
    const names = new Set<string>();
    while (this.#next() !== '}') {
      const name = this.#string();
      const child = path === '' ? name : `${path}.${name}`;
      if (names.has(name)) this.found.push(child);
      names.add(name);
      this.#next();
      this.#at += 1;
      this.value(child);
      if (this.#next() === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #array(path: string): void {
    this.#at += 1;
    for (let index = 0; this.#next() !== ']'; index += 1) {
      this.value(`${path}[${String(index)}]`);
      if (this.#next() === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    this.#at = end + 1;
    return JSON.parse(this.#text.slice(start, end + 1)) as string;
  }

  #isEscaped(quote: number): boolean {
    let slashes = 0;
    while (this.#text[quote - 1 - slashes] === '\\') slashes += 1;
    return slashes % 2 === 1;
  }

  #scalar(): void {
    while (/[^\s,\]}]/.test(this.#text[this.#at] ?? ' ')) this.#at += 1;
  }
}
