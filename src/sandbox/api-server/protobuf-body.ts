// Reads request bodies in Kubernetes' protobuf form into plain objects, by the built-in schemas and their field numbers.
// Answers are always JSON, which every client takes.
import { describeError } from '../../shared/lib/index.ts';
import type { JsonSchema } from '../schema/index.ts';
import { BUILT_IN_KINDS, BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import { WIRE_NUMBERS } from './kinds/wire-numbers.ts';
import { groupVersion } from './resource-info.ts';
import { badRequest } from './status.ts';
import { UnreadableBody } from './unreadable-body.ts';

/** The media type of such bodies. */
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

const PREFIX = Buffer.from('k8s\0');

type Wire = number | bigint | Uint8Array;
type Numbers = ReadonlyMap<number, { readonly name: string; readonly inner?: Numbers }>;

let tables: ReadonlyMap<string, Numbers> | undefined;

/** The object in `bytes`; throws 400 for what is damaged or of an unknown type. */
export function decodeProtobuf(bytes: Uint8Array): Record<string, unknown> {
  if (!PREFIX.equals(bytes.subarray(0, PREFIX.length))) throw new UnreadableBody('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]', bytes);
  if (bytes.length === PREFIX.length) throw new UnreadableBody('empty body', bytes);
  const envelope = readFields(bytes.subarray(4));
  const type = readFields(bytesOf(last(envelope, 1)));
  const apiVersion = text(last(type, 1));
  const kind = text(last(type, 2));
  const body = last(envelope, 2);
  const typeName = BUILT_IN_KINDS.find((row) => row.kind === kind && groupVersion(row.group, row.version) === apiVersion)?.type ?? kind;
  const schema = BUILT_IN_TYPES.get(typeName);
  // Whoever expects an object of a kind says himself that there is none such.
  if (!schema && BUILT_IN_KINDS.some((row) => groupVersion(row.group, row.version) === apiVersion)) return { apiVersion, kind };
  if (!schema || !numbersOf(typeName)) throw badRequest(`${kind} in version "${apiVersion}" cannot be read in protobuf form here; send JSON`);
  return { apiVersion, kind, ...decodeMessage(body === undefined ? new Uint8Array() : bytesOf(body), schema, numbersOf(typeName)) };
}

function numbersOf(type: string): Numbers | undefined {
  tables ??= new Map(WIRE_NUMBERS.trim().split('\n').map((line) => {
    const [name = '', fields = ''] = line.split(': ', 2);
    return [name, parseNumbers(fields.split(' '))];
  }));
  return tables.get(type);
}

function parseNumbers(fields: readonly string[]): Numbers {
  return new Map(fields.map((field) => {
    const [, name = '', number = '', inner] = /^([\w$]+)=(\d+)(?:\((.*)\))?$/.exec(field) ?? [];
    return [Number(number), inner === undefined ? { name } : { name, inner: parseNumbers(inner.split(',')) }];
  }));
}

function decodeMessage(bytes: Uint8Array, schema: JsonSchema, numbers: Numbers | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [number, values] of readFields(bytes)) {
    const field = numbers?.get(number);
    if (!field) continue;
    const child = schema.properties?.[field.name];
    if (field.inner) Object.assign(result, decodeMessage(bytesOf(values.at(-1)), schema, field.inner));
    else if (child) assign(result, field.name, decodeField(values, child));
  }
  return result;
}

/** Empty strings are how this form writes absent ones. */
function assign(result: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined && value !== '') result[name] = value;
}

function decodeField(values: readonly Wire[], schema: JsonSchema): unknown {
  if (schema.type === 'array') return values.map((value) => decodeValue(value, schema.items ?? {}));
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') return decodeMap(values, schema.additionalProperties);
  return decodeValue(values.at(-1) as Wire, schema);
}

function decodeMap(values: readonly Wire[], schema: JsonSchema): Record<string, unknown> {
  return Object.fromEntries(values.map((entry) => {
    const fields = readFields(bytesOf(entry));
    const value = last(fields, 2);
    return [text(last(fields, 1)), value === undefined ? '' : decodeValue(value, schema)];
  }));
}

function decodeValue(value: Wire, schema: JsonSchema): unknown {
  if (schema['x-kubernetes-int-or-string'] === true) return decodeIntOrString(bytesOf(value));
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return decodeRaw(bytesOf(value));
  switch (schema.type) {
    case 'integer':
    case 'number': return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : Number(value);
    case 'boolean': return value !== 0n;
    case 'string': return decodeString(bytesOf(value), schema.format);
    default: return decodeMessage(bytesOf(value), schema, numbersOf(schema['x-mizzen-type'] ?? ''));
  }
}

function decodeString(bytes: Uint8Array, format: string | undefined): string | undefined {
  if (format === 'byte') return Buffer.from(bytes).toString('base64');
  return format === 'date-time' || format === 'micro-time' ? decodeTime(bytes, format === 'micro-time') : text(bytes);
}

/** A zero time is written as an empty message. */
function decodeTime(bytes: Uint8Array, isMicro: boolean): string | undefined {
  const fields = readFields(bytes);
  const seconds = last(fields, 1);
  if (typeof seconds !== 'bigint') return undefined;
  const nanos = last(fields, 2);
  const date = new Date(Number(BigInt.asIntN(64, seconds)) * 1000).toISOString();
  return isMicro ? `${date.slice(0, 19)}.${String((typeof nanos === 'bigint' ? nanos : 0n) / 1000n).padStart(6, '0')}Z` : `${date.slice(0, 19)}Z`;
}

/** A Quantity holds a string in field 1; an IntOrString holds its kind there. */
function decodeIntOrString(bytes: Uint8Array): unknown {
  const fields = readFields(bytes);
  const first = last(fields, 1);
  if (first instanceof Uint8Array) return text(first);
  if (first === 1n) return text(last(fields, 3));
  return Number(BigInt.asIntN(64, (last(fields, 2) as bigint | undefined) ?? 0n));
}

/** Raw JSON in field 1, as RawExtension and FieldsV1 have it. */
function decodeRaw(bytes: Uint8Array): unknown {
  const raw = last(readFields(bytes), 1);
  if (!(raw instanceof Uint8Array)) return undefined;
  try {
    return JSON.parse(text(raw));
  } catch (error) {
    throw badRequest(`a field that holds any object cannot be read in protobuf form here; send JSON (${describeError(error)})`);
  }
}

function last(fields: ReadonlyMap<number, readonly Wire[]>, number: number): Wire | undefined {
  return fields.get(number)?.at(-1);
}

function bytesOf(value: Wire | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw badRequest('the protobuf message has a field of the wrong wire type');
}

function text(value: Wire | undefined): string {
  return value === undefined ? '' : Buffer.from(bytesOf(value)).toString('utf8');
}

/** Every field by number, as it is on the wire. */
function readFields(bytes: Uint8Array): Map<number, Wire[]> {
  const fields = new Map<number, Wire[]>();
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset];
      if (byte === undefined) break;
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw badRequest('the protobuf message is cut off');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - offset) throw badRequest('the protobuf message is cut off');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const value = readValue(tag & 7, varint, take);
    const values = fields.get(tag >> 3);
    if (values) values.push(value);
    else fields.set(tag >> 3, [value]);
  }
  return fields;
}

function readValue(type: number, varint: () => bigint, take: (length: number) => Uint8Array): Wire {
  switch (type) {
    case 0: return varint();
    case 1: return Buffer.from(take(8)).readDoubleLE();
    case 2: return take(Number(varint()));
    case 5: return Buffer.from(take(4)).readFloatLE();
    default: throw badRequest(`the protobuf message has wire type ${String(type)}`);
  }
}
