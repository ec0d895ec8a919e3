// Applies header changes that a service asked for. Names and values come from outside, so they are looked at first: nothing that could break a message's framing passes.
import { isAuthority, isConnectionHeader } from '../../shared/lib/index.ts';
import type { MutationRulesConfig } from '../config/service-config.ts';
import { isHeaderName, isHeaderValue, isRequestTarget } from '../config/wire-text.ts';
import type { HeaderChange } from '../service-messages/header-change.ts';
import type { HeaderMap } from '../stream/header-map.ts';
import { compileStringMatcher, type StringMatcher } from '../stream/string-matcher.ts';

/** Whether a change is made, left out, or makes the whole answer an error. */
export type ChangeVerdict = 'ok' | 'ignore' | 'fail';

const ROUTING = new Set([':authority', 'host', ':scheme', ':method']);

/** Judges changes of a request's headers. Envoy's order: forbidden names, allowed names, then the classes of headers. */
export class ChangeRules {
  readonly #rules: MutationRulesConfig | null;
  readonly #validate: boolean;
  readonly #allowed: StringMatcher | null;
  readonly #disallowed: StringMatcher | null;

  constructor(rules: MutationRulesConfig | null, validate: boolean) {
    this.#rules = rules;
    this.#validate = validate;
    this.#allowed = pattern(rules?.allowExpression ?? null);
    this.#disallowed = pattern(rules?.disallowExpression ?? null);
  }

  /** Judges setting `name` to `value`. */
  set(name: string, value: string): ChangeVerdict {
    if (!isSettable(name, value)) return this.#validate ? 'fail' : 'ignore';
    return this.#byRules(name);
  }

  /** Judges the removal of `name`; what can not be removed is left. */
  remove(name: string): ChangeVerdict {
    if (name.startsWith(':') || name === 'host' || !isHeaderName(name) || isConnectionHeader(name)) return this.#rules?.disallowIsError === true && isHeaderName(name) ? 'fail' : 'ignore';
    return this.#byRules(name);
  }

  #byRules(name: string): ChangeVerdict {
    const rules = this.#rules;
    if (!rules) return 'ok';
    if (this.#isAllowed(rules, name)) return 'ok';
    return rules.disallowIsError ? 'fail' : 'ignore';
  }

  #isAllowed(rules: MutationRulesConfig, name: string): boolean {
    if (this.#disallowed?.(name)) return false;
    if (this.#allowed?.(name)) return true;
    if (rules.disallowAll || (rules.disallowSystem && name.startsWith(':'))) return false;
    if (ROUTING.has(name)) return rules.allowAllRouting;
    return !name.startsWith('x-envoy') || rules.allowEnvoy;
  }
}

function pattern(regex: string | null): StringMatcher | null {
  return regex === null ? null : compileStringMatcher({ kind: 'regex', regex });
}

/** Whether a request's header, or pseudo-header, can be `value`. */
function isSettable(name: string, value: string): boolean {
  switch (name) {
    case ':path': return value.startsWith('/') && isRequestTarget(value);
    case ':authority':
    case 'host': return value !== '' && isAuthority(value);
    case ':method': return isHeaderName(value) && value !== 'CONNECT';
    case ':scheme': return value === 'http' || value === 'https';
    default: return isResponseHeader(name, value);
  }
}

/** Whether a response may have this header by somebody's wish. */
export function isResponseHeader(name: string, value: string): boolean {
  return isHeaderName(name) && isHeaderValue(value) && !isConnectionHeader(name);
}

/** Makes one change, which has been judged. */
export function applyChange(headers: HeaderMap, { name, value, action }: HeaderChange): void {
  const field = name === 'host' ? ':authority' : name;
  switch (action) {
    case 'set': headers.set(field, value); break;
    case 'add':
      if (field.startsWith(':')) headers.set(field, value);
      else headers.add(field, value);
      break;
    case 'add_if_absent': if (!headers.has(field)) headers.set(field, value); break;
    case 'overwrite_if_exists': if (headers.has(field)) headers.set(field, value); break;
    case 'join_if_exists': if (headers.has(field) && !field.startsWith(':')) headers.set(field, `${headers.get(field) ?? ''},${value}`); break;
  }
}
