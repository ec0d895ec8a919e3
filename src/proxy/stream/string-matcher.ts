// Compiles string matches of the configuration once into functions. Regular expressions are RE2 (linear time): a user's pattern
// cannot hang the proxy. Pure; used by routes, role-based access control and certificate checks.
import { RE2JS } from 're2js';
import type { StringMatchConfig } from '../config/runtime-config.ts';

/** Whether a string is what the configuration asks for. */
export type StringMatcher = (text: string) => boolean;

/** Compiles `config`; throws for a pattern that RE2 refuses. */
export function compileStringMatcher(config: StringMatchConfig): StringMatcher {
  if (config.kind === 'regex') {
    const pattern = RE2JS.compile(config.regex);
    return (text) => pattern.matches(text);
  }
  const { ignoreCase } = config;
  const value = ignoreCase ? config.value.toLowerCase() : config.value;
  const fold = ignoreCase ? (text: string): string => text.toLowerCase() : (text: string): string => text;
  switch (config.kind) {
    case 'exact': return (text) => fold(text) === value;
    case 'prefix': return (text) => fold(text).startsWith(value);
    case 'suffix': return (text) => fold(text).endsWith(value);
    case 'contains': return (text) => fold(text).includes(value);
  }
}
