// OpenAPI v3 documents in protobuf form, by the field numbers of the gnostic project's `openapi.v3`: what client-go asks for before it asks for JSON.
import { doubleField, field, varintField } from '../protobuf-writing.ts';
import type { Json } from './type-schemas.ts';

/** Media type that clients ask for; the answer's has a dot in the place of the at sign. */
export const OPENAPI_V3_PROTOBUF = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';

type Encode = (value: never) => Buffer;
type Field = readonly [number, (number: number, value: never) => Buffer];
type Message = Readonly<Record<string, Field>>;

const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));
const flag = (number: number, value: boolean): Buffer => (value ? varintField(number, 1) : Buffer.alloc(0));
const count = (number: number, value: number): Buffer => varintField(number, value);
const texts = (number: number, values: readonly string[]): Buffer => Buffer.concat(values.map((value) => text(number, value)));
const any = (value: unknown): Buffer => text(2, JSON.stringify(value));
const anys = (number: number, values: readonly unknown[]): Buffer => Buffer.concat(values.map((value) => field(number, any(value))));
const one = (encode: Encode) => (number: number, value: never): Buffer => field(number, encode(value));
const many = (encode: Encode) => (number: number, values: readonly never[]): Buffer => Buffer.concat(values.map((value) => field(number, encode(value))));
/** Entries of a map as messages of a name and a value. */
const named = (encode: Encode) => (number: number, value: Json): Buffer => Buffer.concat(Object.entries(value).map(([name, child]) => field(number, Buffer.concat([text(1, name), field(2, encode(child as never))]))));
/** A map that is a message of its own. */
const wrapped = (encode: Encode) => (number: number, value: Json): Buffer => field(number, named(encode)(1, value));

/** Writes the fields that a message has, and extensions at their number. */
function write(message: Message, extension: number, value: Json): Buffer {
  return Buffer.concat(Object.entries(value).map(([name, child]) => {
    const [number, encode] = message[name] ?? [];
    if (number !== undefined && encode !== undefined) return encode(number, child as never);
    return name.startsWith('x-') ? field(extension, Buffer.concat([text(1, name), field(2, any(child))])) : Buffer.alloc(0);
  }));
}

/** A schema, or a reference to one. */
const schemaOrReference: Encode = (value: Json) => (typeof value['$ref'] === 'string' ? field(2, text(1, value['$ref'])) : field(1, write(SCHEMA, 36, value)));

/** Defaults that are objects or lists have no place in this form. */
function fallback(number: number, value: unknown): Buffer {
  if (typeof value === 'number') return field(number, doubleField(1, value));
  if (typeof value === 'boolean') return field(number, varintField(2, value ? 1 : 0));
  return typeof value === 'string' ? field(number, text(3, value)) : Buffer.alloc(0);
}

const SCHEMA: Message = {
  nullable: [1, flag], title: [9, text], multipleOf: [10, doubleField], maximum: [11, doubleField], exclusiveMaximum: [12, flag], minimum: [13, doubleField], exclusiveMinimum: [14, flag],
  maxLength: [15, count], minLength: [16, count], pattern: [17, text], maxItems: [18, count], minItems: [19, count], uniqueItems: [20, flag], maxProperties: [21, count], minProperties: [22, count],
  required: [23, texts], enum: [24, anys], type: [25, text], allOf: [26, many(schemaOrReference)], oneOf: [27, many(schemaOrReference)], anyOf: [28, many(schemaOrReference)],
  not: [29, (number: number, value: Json) => field(number, write(SCHEMA, 36, value))],
  items: [30, (number: number, value: Json) => field(number, field(1, schemaOrReference(value as never)))],
  properties: [31, wrapped(schemaOrReference)],
  additionalProperties: [32, (number: number, value: Json | boolean) => field(number, typeof value === 'boolean' ? varintField(2, value ? 1 : 0) : field(1, schemaOrReference(value as never)))],
  default: [33, fallback], description: [34, text], format: [35, text],
};
const MEDIA_TYPES = wrapped((value: Json) => write({ schema: [1, one(schemaOrReference)] }, 5, value));
const RESPONSE: Encode = (value: Json) => field(1, write({ description: [1, text], content: [3, MEDIA_TYPES] }, 5, value));
const PARAMETERS = many((value: Json) => field(1, write({ name: [1, text], in: [2, text], description: [3, text], required: [4, flag], schema: [10, one(schemaOrReference)] }, 13, value)));
const OPERATION: Message = {
  description: [3, text], parameters: [6, PARAMETERS],
  requestBody: [7, (number: number, value: Json) => field(number, field(1, write({ content: [2, MEDIA_TYPES] }, 4, value)))],
  responses: [8, (number: number, value: Json) => field(number, named(RESPONSE)(2, value))],
};
const operation = one((value: Json) => write(OPERATION, 13, value));
const PATH_ITEM: Encode = (value: Json) => write({ get: [4, operation], put: [5, operation], post: [6, operation], delete: [7, operation], patch: [10, operation], parameters: [13, PARAMETERS] }, 14, value);
const DOCUMENT: Message = {
  openapi: [1, text],
  info: [2, one((value: Json) => write({ title: [1, text], version: [6, text] }, 7, value))],
  paths: [4, wrapped(PATH_ITEM)],
  components: [5, one((value: Json) => write({ schemas: [1, wrapped(schemaOrReference)] }, 10, value))],
};

/** The bytes of a document. */
export function encodeDocument(document: Json): Buffer {
  return write(DOCUMENT, 9, document);
}
