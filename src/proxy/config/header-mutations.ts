// Changes of headers that routes, virtual hosts and route configurations ask for.
import { isConnectionHeader } from '../../shared/lib/index.ts';
import { HeaderValueOption_HeaderAppendAction, type HeaderValueOption } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { isSet, type Findings } from './findings.ts';
import { byteString, isHeaderName, isHeaderValue } from './wire-text.ts';
import type { HeaderAddConfig, HeaderMutationsConfig } from './route-config.ts';

/** The four fields that several messages share. */
export interface HeaderMutationFields {
  requestHeadersToAdd?: HeaderValueOption[] | undefined;
  requestHeadersToRemove?: string[] | undefined;
  responseHeadersToAdd?: HeaderValueOption[] | undefined;
  responseHeadersToRemove?: string[] | undefined;
}

const ACTIONS: Readonly<Record<number, HeaderAddConfig['action']>> = {
  [HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [HeaderValueOption_HeaderAppendAction.ADD_IF_ABSENT]: 'add_if_absent',
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite',
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS]: 'overwrite_if_exists',
};

/** The header mutations of a message at `path`. */
export function headerMutations(message: HeaderMutationFields, path: string, findings: Findings): HeaderMutationsConfig {
  const at = path === '' ? '' : `${path}.`;
  return {
    requestAdd: (message.requestHeadersToAdd ?? []).flatMap((option, index) => headerAdd(option, `${at}request_headers_to_add[${index}]`, findings)),
    requestRemove: names(message.requestHeadersToRemove, `${at}request_headers_to_remove`, findings),
    responseAdd: (message.responseHeadersToAdd ?? []).flatMap((option, index) => headerAdd(option, `${at}response_headers_to_add[${index}]`, findings)),
    responseRemove: names(message.responseHeadersToRemove, `${at}response_headers_to_remove`, findings),
  };
}

/** Whether `name` is one that only the codecs write. It is listed and left alone: one such line must not hold back the routes of everybody else. */
function belongsToCodec(name: string, path: string, findings: Findings): boolean {
  if (!isConnectionHeader(name)) return false;
  findings.ignore(path, `Header ${JSON.stringify(name)} frames the message or belongs to one connection: this proxy alone writes it, and the change has no effect.`);
  return true;
}

/** One header to add, none when it is the codec's. The older field `append` counts when no action is chosen: false overwrites. */
function headerAdd(option: HeaderValueOption, path: string, findings: Findings): HeaderAddConfig[] {
  const name = (option.header?.key ?? '').toLowerCase();
  if (name === '') findings.refuse(`${path}.header.key`, 'A header name is needed.');
  else if (name === 'host' || name.startsWith(':')) findings.refuse(`${path}.header.key`, `Header ${JSON.stringify(name)} can not be changed this way. Use a host or path rewrite.`);
  else if (!isHeaderName(name)) findings.refuse(`${path}.header.key`, `${JSON.stringify(name)} is not a header name.`);
  if (belongsToCodec(name, `${path}.header.key`, findings)) return [];
  if (isSet(option.header?.rawValue)) findings.refuse(`${path}.header.raw_value`, 'Raw header values are not supported. Use value.');
  const value = byteString(option.header?.value ?? '');
  if (!isHeaderValue(value)) findings.refuse(`${path}.header.value`, 'A header value holds no line breaks, NUL or other control characters.');
  const action = option.append === false ? 'overwrite' : ACTIONS[option.appendAction ?? 0];
  if (!action) findings.refuse(`${path}.append_action`, 'This append action is not known.');
  return [{ name, value, action: action ?? 'append', keepEmptyValue: option.keepEmptyValue ?? false }];
}

function names(list: readonly string[] | undefined, path: string, findings: Findings): readonly string[] {
  return (list ?? []).flatMap((name, index) => {
    if (belongsToCodec(name.toLowerCase(), `${path}[${index}]`, findings)) return [];
    if (name === '' || name.startsWith(':') || name.toLowerCase() === 'host') findings.refuse(`${path}[${index}]`, `Header ${JSON.stringify(name)} can not be removed.`);
    return [name.toLowerCase()];
  });
}
