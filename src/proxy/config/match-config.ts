// Tests on strings and headers, shared by routes, filters and certificate checks.

/** A test on a string (envoy.type.matcher.v3.StringMatcher). */
export type StringMatchConfig =
  | { readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly regex: string };

/** A test on one header; names are lower case, pseudo-headers `:path`, `:method`, `:authority`, `:scheme` included. */
export interface HeaderMatchConfig {
  readonly name: string;
  readonly match: StringMatchConfig | { readonly kind: 'present' } | { readonly kind: 'range'; readonly start: number; readonly end: number };
  readonly invert: boolean;
  readonly treatMissingAsEmpty: boolean;
}
