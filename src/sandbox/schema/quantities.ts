// Quantities (`500m`, `1Gi`) as Kubernetes reads and writes them: every amount has one canonical form.

const FORM = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const FORMAT_PROBLEM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** A quantity: whole nanounits, and the family of suffixes that it was written with. */
export interface Quantity {
  readonly nano: bigint;
  readonly family: 'decimal' | 'binary' | 'exponent';
}

/** Reads a quantity; a text says why it is none. */
export function parseQuantity(source: string | number): Quantity | string {
  const [, sign, whole = '', fraction = '', suffix = ''] = FORM.exec(String(source).trim()) ?? [];
  if (whole === '' && fraction === '') return FORMAT_PROBLEM;
  const scale = scaleOf(suffix);
  if (!scale) return "unable to parse quantity's suffix";
  const digits = BigInt(whole + fraction);
  const [numerator, denominator] = [digits * scale.factor * 1_000_000_000n, 10n ** BigInt(fraction.length) * scale.divisor];
  // What is finer than a nanounit is rounded away from zero.
  const nano = (numerator + denominator - 1n) / denominator;
  return { nano: sign === '-' ? -nano : nano, family: scale.family };
}

function scaleOf(suffix: string): { factor: bigint; divisor: bigint; family: Quantity['family'] } | undefined {
  const binary = BINARY.indexOf(suffix);
  if (binary > 0) return { factor: 1024n ** BigInt(binary), divisor: 1n, family: 'binary' };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  const power = exponent === undefined ? (DECIMAL.indexOf(suffix) - 3) * 3 : Number(exponent);
  if (exponent === undefined && !DECIMAL.includes(suffix)) return undefined;
  if (Math.abs(power) > 100) return undefined;
  return { factor: power > 0 ? 10n ** BigInt(power) : 1n, divisor: power < 0 ? 10n ** BigInt(-power) : 1n, family: exponent === undefined ? 'decimal' : 'exponent' };
}

/** The canonical text: no fraction, the largest suffix that keeps it exact. */
export function formatQuantity({ nano, family }: Quantity): string {
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  const amount = nano < 0n ? -nano : nano;
  if (family === 'binary' && amount >= 1024n * 1_000_000_000n) return sign + binaryText((amount + 999_999_999n) / 1_000_000_000n);
  let value = amount;
  let step = 0;
  while (value % 1000n === 0n && step < DECIMAL.length - 1) {
    value /= 1000n;
    step += 1;
  }
  if (family === 'exponent') return `${sign}${String(value)}${step === 3 ? '' : `e${String((step - 3) * 3)}`}`;
  return `${sign}${String(value)}${DECIMAL[step] ?? ''}`;
}

function binaryText(units: bigint): string {
  let value = units;
  let step = 0;
  while (value % 1024n === 0n && step < BINARY.length - 1) {
    value /= 1024n;
    step += 1;
  }
  return `${String(value)}${BINARY[step] ?? ''}`;
}

/** A quantity as a number, for comparisons; 0 for what is none. */
export function amountOf(source: unknown): number {
  const quantity = typeof source === 'string' || typeof source === 'number' ? parseQuantity(source) : '';
  return typeof quantity === 'string' ? 0 : Number(quantity.nano) / 1e9;
}
