// Tests on dynamic metadata (envoy.type.matcher.v3.MetadataMatcher). Used by routes, access rules and filters.
import type { MetadataMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { ValueMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/value.ts';
import { join, type Findings } from './findings.ts';
import type { MetadataMatchConfig, ValueMatchConfig } from './match-config.ts';
import { stringMatch } from './matchers.ts';

/** A metadata matcher; one without filter, path or value is refused, as Envoy does. */
export function metadataMatch(message: MetadataMatcher, path: string, findings: Findings): MetadataMatchConfig {
  const keys = (message.path ?? []).map(({ segment }) => segment?.key ?? '');
  if (!message.filter) findings.refuse(join(path, 'filter'), 'The name of a filter is needed.');
  if (keys.length === 0 || keys.includes('')) findings.refuse(join(path, 'path'), 'A path of keys is needed.');
  return { filter: message.filter ?? '', path: keys, value: valueMatch(message.value, join(path, 'value'), findings), invert: message.invert ?? false };
}

function valueMatch(message: ValueMatcher | undefined, path: string, findings: Findings): ValueMatchConfig {
  const pattern = message?.matchPattern;
  switch (pattern?.$case) {
    case 'nullMatch': return { kind: 'null' };
    case 'boolMatch': return { kind: 'bool', value: pattern.boolMatch };
    case 'stringMatch': return { kind: 'string', match: stringMatch(pattern.stringMatch, join(path, 'string_match'), findings) };
    case 'presentMatch': return { kind: 'present', present: pattern.presentMatch };
    case 'listMatch': return { kind: 'one_of', element: valueMatch(pattern.listMatch.matchPattern?.oneOf, join(path, 'list_match.one_of'), findings) };
    case 'orMatch': return { kind: 'or', values: (pattern.orMatch.valueMatchers ?? []).map((value, index) => valueMatch(value, join(path, `or_match.value_matchers[${index}]`), findings)) };
    case 'doubleMatch': {
      const form = pattern.doubleMatch.matchPattern;
      return form?.$case === 'range' ? { kind: 'range', start: form.range.start ?? 0, end: form.range.end ?? 0 } : { kind: 'number', value: form?.exact ?? 0 };
    }
    default:
      findings.refuse(path, 'The value matcher has no form that this proxy knows.');
      return { kind: 'present', present: false };
  }
}
