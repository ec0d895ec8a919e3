// Reads the Prometheus text exposition format as far as counters need it.

/** One sample. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of a text; lines that are none are left out. */
export function parseSamples(text: string): MetricSample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+\d+)?\s*$/.exec(line);
    if (!match) return [];
    const [, name = '', labelText = '', value = ''] = match;
    const labels = [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', raw = '']) => [key, raw.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))] as const);
    return Number.isNaN(Number(value)) ? [] : [{ name, labels: Object.fromEntries(labels), value: Number(value) }];
  });
}

/** Sum of the samples of `name` whose labels include `labels`. */
export function counterSum(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  return parseSamples(text).filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value)).reduce((sum, one) => sum + one.value, 0);
}
