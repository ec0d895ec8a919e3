// Changes of headers that a service asks for, as its messages say them (envoy.config.core.v3.HeaderValueOption). Values become byte strings, as headers are kept.
import { HeaderValueOption_HeaderAppendAction as Action, type HeaderValue, type HeaderValueOption } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';

/** One change. `join_if_exists` adds to the value that is there, after a comma. Nobody has looked at name and value yet. */
export interface HeaderChange {
  readonly name: string;
  readonly value: string;
  readonly action: 'add' | 'set' | 'add_if_absent' | 'overwrite_if_exists' | 'join_if_exists';
}

const ACTIONS: Readonly<Record<number, HeaderChange['action']>> = {
  [Action.APPEND_IF_EXISTS_OR_ADD]: 'add', [Action.ADD_IF_ABSENT]: 'add_if_absent', [Action.OVERWRITE_IF_EXISTS_OR_ADD]: 'set', [Action.OVERWRITE_IF_EXISTS]: 'overwrite_if_exists',
};

/** The bytes of `text` in UTF-8, one character each. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** `bytes`, one character each, read as UTF-8; what is none becomes an exclamation mark, as in Envoy. */
export function textOf(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\ufffd', '!');
}

/** Name and value of a header in a message. */
export function headerOf(header: HeaderValue | undefined): { readonly name: string; readonly value: string } {
  const raw = header?.rawValue;
  return { name: (header?.key ?? '').toLowerCase(), value: raw !== undefined && raw.length > 0 ? Buffer.from(raw).toString('latin1') : bytesOf(header?.value ?? '') };
}

/** The changes of a list; the older field `append` counts when it is there. Envoy reads the newer one for responses alone: a change of a request without the older one replaces. */
export function headerChanges(options: readonly HeaderValueOption[] | undefined, of: 'request' | 'response'): HeaderChange[] {
  return (options ?? []).map(({ header, append, appendAction }) => ({
    ...headerOf(header),
    action: append === undefined ? (of === 'request' ? 'set' : ACTIONS[appendAction ?? 0] ?? 'set') : !append ? 'set' : of === 'request' ? 'join_if_exists' : 'add',
  }));
}
