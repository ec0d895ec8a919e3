// A Status in Kubernetes' protobuf form, for clients that take nothing else: the one answer that has to be understood whatever was asked for.
import { field, varintField } from './protobuf-writing.ts';

interface Status {
  readonly status?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly details?: { readonly name?: string; readonly group?: string; readonly kind?: string; readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[] };
}

/** Text in a field; nothing when there is none. */
const textField = (number: number, value: unknown): Buffer => (typeof value === 'string' && value !== '' ? field(number, Buffer.from(value)) : Buffer.alloc(0));

/** The bytes: the prefix, the type, and the message by the field numbers of meta/v1. */
export function encodeStatus(given: Record<string, unknown>): Buffer {
  const { status, message, reason, code, details } = given as Status;
  const causes = (details?.causes ?? []).map((cause) => field(4, Buffer.concat([textField(1, cause.reason), textField(2, cause.message), textField(3, cause.field)])));
  const shown = details ? [field(5, Buffer.concat([textField(1, details.name), textField(2, details.group), textField(3, details.kind), ...causes]))] : [];
  const raw = Buffer.concat([field(1, Buffer.alloc(0)), textField(2, status), textField(3, message), textField(4, reason), ...shown, varintField(6, Number(code ?? 0))]);
  const type = Buffer.concat([textField(1, 'v1'), textField(2, 'Status')]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
}
