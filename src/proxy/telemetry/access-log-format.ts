// Access log formats, text and JSON, compiled once into functions that print a finished stream.
import type { AccessLogConfig } from '../config/index.ts';
import { compileOperator, type LogEntry, type OperatorEnvironment, type OperatorValue } from './access-log-operators.ts';

/** Prints one line, line end included. */
export type LinePrinter = (entry: LogEntry) => string;

type Part = string | OperatorValue;
const OPERATOR = /%(?:([A-Z0-9_]+)(?:\(([^)]*)\))?(?::(\d+))?)?%/g;

/** The printer of a format. An operator that is not known prints `-`. */
export function compileFormat(format: AccessLogConfig['format'], environment: OperatorEnvironment): LinePrinter {
  if (format.kind === 'json') {
    const print = jsonValue(format.fields, environment);
    return (entry) => `${JSON.stringify(print(entry))}\n`;
  }
  const parts = textParts(format.text, environment);
  return (entry) => printText(parts, entry);
}

function textParts(text: string, environment: OperatorEnvironment): readonly Part[] {
  const parts: Part[] = [];
  let position = 0;
  for (const match of text.matchAll(OPERATOR)) {
    if (match.index > position) parts.push(text.slice(position, match.index));
    position = match.index + match[0].length;
    if (match[1] === undefined) parts.push('%');
    else parts.push(limited(compileOperator(match[1], match[2], environment) ?? (() => undefined), match[3]));
  }
  if (position < text.length) parts.push(text.slice(position));
  return parts;
}

/** `:N` at the end of an operator cuts its text. */
function limited(value: OperatorValue, length: string | undefined): OperatorValue {
  if (length === undefined) return value;
  const limit = Number(length);
  return (entry) => {
    const full = value(entry);
    return full === undefined ? undefined : String(full).slice(0, limit);
  };
}

function printText(parts: readonly Part[], entry: LogEntry): string {
  let line = '';
  for (const part of parts) line += typeof part === 'string' ? part : part(entry) ?? '-';
  return line;
}

/** An operator alone keeps its type and is null when unset; within other text it is text. */
function jsonValue(template: unknown, environment: OperatorEnvironment): (entry: LogEntry) => unknown {
  if (typeof template === 'string') {
    const parts = textParts(template, environment);
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'function') return (entry) => only(entry) ?? null;
    return (entry) => printText(parts, entry);
  }
  if (Array.isArray(template)) {
    const items = template.map((item) => jsonValue(item, environment));
    return (entry) => items.map((item) => item(entry));
  }
  if (typeof template === 'object' && template !== null) {
    const fields = Object.entries(template).map(([name, value]) => [name, jsonValue(value, environment)] as const);
    return (entry) => Object.fromEntries(fields.map(([name, print]) => [name, print(entry)]));
  }
  return () => template;
}
