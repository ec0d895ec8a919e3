// Changes of headers that routes, virtual hosts and route configurations ask for.
import { HeaderValueOption_HeaderAppendAction, type HeaderValueOption } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { isSet, type Findings } from './findings.ts';
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
    requestAdd: (message.requestHeadersToAdd ?? []).map((option, index) => headerAdd(option, `${at}request_headers_to_add[${index}]`, findings)),
    requestRemove: names(message.requestHeadersToRemove, `${at}request_headers_to_remove`, findings),
    responseAdd: (message.responseHeadersToAdd ?? []).map((option, index) => headerAdd(option, `${at}response_headers_to_add[${index}]`, findings)),
    responseRemove: names(message.responseHeadersToRemove, `${at}response_headers_to_remove`, findings),
  };
}

/** One header to add. The older field `append` counts when no action is chosen: false overwrites. */
function headerAdd(option: HeaderValueOption, path: string, findings: Findings): HeaderAddConfig {
  const name = (option.header?.key ?? '').toLowerCase();
  if (name === '') findings.refuse(`${path}.header.key`, 'A header name is needed.');
  if (name === 'host' || (name.startsWith(':') && name !== ':authority' && name !== ':path')) findings.refuse(`${path}.header.key`, `Header ${JSON.stringify(name)} can not be changed this way. Use a host or path rewrite.`);
  if (isSet(option.header?.rawValue)) findings.refuse(`${path}.header.raw_value`, 'Raw header values are not supported. Use value.');
  const value = option.header?.value ?? '';
  if (/[\r\n\0]/.test(value)) findings.refuse(`${path}.header.value`, 'A header value holds no line breaks or NUL.');
  const action = option.append === false ? 'overwrite' : ACTIONS[option.appendAction ?? 0];
  if (!action) findings.refuse(`${path}.append_action`, 'This append action is not known.');
  return { name, value, action: action ?? 'append', keepEmptyValue: option.keepEmptyValue ?? false };
}

function names(list: readonly string[] | undefined, path: string, findings: Findings): readonly string[] {
  return (list ?? []).map((name, index) => {
    if (name === '' || name.startsWith(':') || name.toLowerCase() === 'host') findings.refuse(`${path}[${index}]`, `Header ${JSON.stringify(name)} can not be removed.`);
    return name.toLowerCase();
  });
}
