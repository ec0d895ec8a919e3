// Compiles tests on dynamic metadata. Used by routes and access rules; strings are bytes in their matchers as in headers, JSON's are text.
import type { MetadataMatchConfig, ValueMatchConfig } from '../config/match-config.ts';
import type { StreamInfo } from '../stream/stream-info.ts';
import { compileStringMatcher } from '../stream/string-matcher.ts';

/** Whether a stream's metadata is as asked for. */
export type MetadataTest = (metadata: StreamInfo['dynamicMetadata']) => boolean;

/** The metadata of a stream about which no filter has found anything. */
export const NO_METADATA: StreamInfo['dynamicMetadata'] = new Map();

/** Compiles one test; throws for a pattern that RE2 refuses. */
export function compileMetadataMatch(config: MetadataMatchConfig): MetadataTest {
  const { filter, path, invert } = config;
  const matches = compileValueMatch(config.value);
  return (metadata) => matches(valueAt(metadata.get(filter), path)) !== invert;
}

/** The value at `path`; lists can not be gone through. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || Array.isArray(current) || !Object.hasOwn(current, key)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[key];
  }
  return current;
}

function compileValueMatch(config: ValueMatchConfig): (value: unknown) => boolean {
  switch (config.kind) {
    case 'null': return (value) => value === null;
    case 'bool': return (value) => value === config.value;
    case 'number': return (value) => value === config.value;
    case 'range': return (value) => typeof value === 'number' && value >= config.start && value < config.end;
    case 'present': return (value) => (value !== undefined) === config.present;
    case 'string': {
      const matches = compileStringMatcher(config.match);
      return (value) => typeof value === 'string' && matches(value);
    }
    case 'one_of': {
      const matches = compileValueMatch(config.element);
      return (value) => Array.isArray(value) && value.some(matches);
    }
    case 'or': {
      const tests = config.values.map(compileValueMatch);
      return (value) => tests.some((test) => test(value));
    }
  }
}
