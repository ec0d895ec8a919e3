// Changes of headers as plain data: those of routes, and those that filters make.

/** Changes of request and response headers, in the order they apply. */
export interface HeaderMutationsConfig {
  readonly requestAdd: readonly HeaderAddConfig[];
  readonly requestRemove: readonly string[];
  readonly responseAdd: readonly HeaderAddConfig[];
  readonly responseRemove: readonly string[];
}

/** One header to add; `value` may hold %COMMAND% operators. */
export interface HeaderAddConfig {
  readonly name: string;
  readonly value: string;
  readonly action: 'append' | 'add_if_absent' | 'overwrite' | 'overwrite_if_exists';
  readonly keepEmptyValue: boolean;
}
