// Compiles changes of headers. Order: the most specific first, so that the least specific has the last word; `mostSpecificWins` turns it round. Pure.
import { isConnectionHeader } from '../../shared/lib/index.ts';
import type { HeaderAddConfig, HeaderMutationsConfig } from '../config/route-config.ts';
import type { HeaderMap } from '../stream/header-map.ts';
import type { HeaderReader, StreamInfo } from '../stream/stream-info.ts';
import { compileFormat, type Formatter } from './format.ts';

interface CompiledAdd { readonly name: string; readonly action: HeaderAddConfig['action']; readonly keepEmpty: boolean; readonly format: Formatter }

/** Changes of one direction's headers. */
export interface CompiledMutations {
  readonly request: readonly CompiledAdd[];
  readonly requestRemove: readonly string[];
  readonly response: readonly CompiledAdd[];
  readonly responseRemove: readonly string[];
}

function compileAdds(adds: readonly HeaderAddConfig[]): CompiledAdd[] {
  return adds.filter(({ name }) => !isProtected(name.toLowerCase())).map(({ name, value, action, keepEmptyValue }) => ({ name: name.toLowerCase(), action, keepEmpty: keepEmptyValue, format: compileFormat(value) }));
}

/** Compiles one level's changes. */
export function compileMutations(config: HeaderMutationsConfig): CompiledMutations | null {
  const { requestAdd, requestRemove, responseAdd, responseRemove } = config;
  if (requestAdd.length + requestRemove.length + responseAdd.length + responseRemove.length === 0) return null;
  return { request: compileAdds(requestAdd), requestRemove: requestRemove.map((name) => name.toLowerCase()), response: compileAdds(responseAdd), responseRemove: responseRemove.map((name) => name.toLowerCase()) };
}

/** The levels that change something, in the order they apply. */
export function orderMutations(levels: readonly (HeaderMutationsConfig | null)[], mostSpecificWins: boolean): readonly CompiledMutations[] {
  const compiled = levels.map((level) => (level ? compileMutations(level) : null)).filter((level) => level !== null);
  return mostSpecificWins ? compiled.reverse() : compiled;
}

/** Changes a request's headers. */
export function mutateRequest(levels: readonly CompiledMutations[], headers: HeaderMap, info: StreamInfo): void {
  for (const level of levels) {
    for (const name of level.requestRemove) if (!isProtected(name)) headers.remove(name);
    for (const add of level.request) applyAdd(headers, add, info, headers, null);
  }
}

/** Changes a response's headers. */
export function mutateResponse(levels: readonly CompiledMutations[], headers: HeaderMap, info: StreamInfo, request: HeaderReader): void {
  for (const level of levels) {
    for (const name of level.responseRemove) if (!isProtected(name)) headers.remove(name);
    for (const add of level.response) applyAdd(headers, add, info, request, headers);
  }
}

/** Pseudo-headers and the host change by rewrites alone, what frames a message by nobody but the codecs. */
function isProtected(name: string): boolean {
  return name.charCodeAt(0) === 58 || name === 'host' || isConnectionHeader(name);
}

function applyAdd(headers: HeaderMap, add: CompiledAdd, info: StreamInfo, request: HeaderReader, response: HeaderReader | null): void {
  const value = add.format(info, request, response);
  if (value === '' && !add.keepEmpty) return;
  const { name } = add;
  switch (add.action) {
    case 'append': headers.add(name, value); break;
    case 'add_if_absent': if (!headers.has(name)) headers.add(name, value); break;
    case 'overwrite': headers.set(name, value); break;
    case 'overwrite_if_exists': if (headers.has(name)) headers.set(name, value); break;
  }
}
