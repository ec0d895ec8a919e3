// Tests on strings, headers, metadata and whole requests, shared by routes, filters and certificate checks.

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

/** A test on a value of JSON (envoy.type.matcher.v3.ValueMatcher). */
export type ValueMatchConfig =
  | { readonly kind: 'null' }
  | { readonly kind: 'string'; readonly match: StringMatchConfig }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** From `start` to below `end`. */
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'present'; readonly present: boolean }
  /** A list of which one element passes. */
  | { readonly kind: 'one_of'; readonly element: ValueMatchConfig }
  | { readonly kind: 'or'; readonly values: readonly ValueMatchConfig[] };

/** A test on dynamic metadata: the value at `path` in what filter `filter` wrote. */
export interface MetadataMatchConfig {
  readonly filter: string;
  readonly path: readonly string[];
  readonly value: ValueMatchConfig;
  readonly invert: boolean;
}

/** What a request must be. All present parts must hold. */
export interface RouteMatchConfig {
  readonly path: { readonly kind: 'exact' | 'prefix' | 'path_separated_prefix'; readonly value: string; readonly ignoreCase: boolean } | { readonly kind: 'regex'; readonly regex: string } | { readonly kind: 'connect' };
  readonly headers: readonly HeaderMatchConfig[];
  readonly queryParameters: readonly { readonly name: string; readonly match: StringMatchConfig | { readonly kind: 'present' } }[];
  readonly grpcOnly: boolean;
  /** Tests on what filters before the route was chosen found out. */
  readonly dynamicMetadata?: readonly MetadataMatchConfig[];
  /** Parts of 1,000,000 of the requests that match; null for all. */
  readonly runtimeFractionPerMillion: number | null;
}
