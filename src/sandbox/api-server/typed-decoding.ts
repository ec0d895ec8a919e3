// Built-in kinds are structs to the real server: a value of the wrong type cannot be decoded at all, and quantities and times come out in
// their canonical form. This does the same to plain JSON, by the kind's schema, with the decoder's words for what does not fit.
import { isFields } from '../patch/index.ts';
import type { JsonSchema } from '../schema/index.ts';
import { canonicalTime } from './go-times.ts';
import { isOmitted } from './omitted-values.ts';
import { formatQuantity, parseQuantity } from '../schema/index.ts';

/** A value that does not fit its field. */
export interface Misfit {
  /** The decoder's own words, where the type has a decoder of its own: quantities, times, bytes. */
  readonly words?: string;
  readonly value: unknown;
  /** Go's name of the type that was wanted. */
  readonly wanted: string;
  /** Type of the struct that has the field, and the path to it. */
  readonly struct: string;
  readonly path: string;
}

interface Place { readonly struct: string; readonly path: string; readonly field: string }

const WIDE: ReadonlySet<string> = new Set(['activeDeadlineSeconds', 'deletionGracePeriodSeconds', 'expirationSeconds', 'fsGroup', 'generation', 'observedGeneration', 'revision', 'runAsGroup', 'runAsUser', 'seconds', 'supplementalGroups', 'terminationGracePeriodSeconds', 'tolerationSeconds']);

/** Brings `object` into the form in which the real server keeps it; returns the first value that does not fit. Changes `object`. */
export function decodeTyped(kind: string, schema: JsonSchema, object: object): Misfit | undefined {
  return decodeFields(schema, object as Record<string, unknown>, { struct: kind, path: '', field: '' });
}

function decodeFields(schema: JsonSchema, fields: Record<string, unknown>, place: Place): Misfit | undefined {
  for (const [name, child] of Object.entries(fields)) {
    const declared = schema.properties?.[name];
    const known = declared ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    if (!known || child === null || child === undefined) continue;
    const at = declared ? { struct: schema['x-mizzen-type'] ?? place.struct, path: place.path === '' ? name : `${place.path}.${name}`, field: name } : place;
    const misfit = decodeInto(known, child, at, (value) => { fields[name] = value; });
    if (misfit) return misfit;
    if (declared && isOmitted(at.struct, name, child, declared, schema.required?.includes(name) === true)) Reflect.deleteProperty(fields, name);
  }
  return undefined;
}

function decodeInto(schema: JsonSchema, value: unknown, place: Place, write: (value: unknown) => void): Misfit | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return schema.format === 'quantity' ? decodeQuantity(value, place, write) : decodeIntOrString(value, place);
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return undefined;
  const misfit = (words?: string): Misfit => ({ ...(words === undefined ? {} : { words }), value, wanted: goType(schema, place.field), struct: place.struct, path: place.path });
  switch (schema.type) {
    case 'object': return isFields(value) ? decodeFields(schema, value, place) : misfit();
    case 'array': return Array.isArray(value) ? decodeItems(schema, value, place) : misfit();
    case 'integer': return typeof value === 'number' && Number.isInteger(value) ? undefined : misfit();
    case 'number': return typeof value === 'number' ? undefined : misfit();
    case 'boolean': return typeof value === 'boolean' ? undefined : misfit();
    case 'string': return decodeString(schema, value, misfit, write);
    default: return undefined;
  }
}

function decodeItems(schema: JsonSchema, items: unknown[], place: Place): Misfit | undefined {
  if (!schema.items) return undefined;
  for (const [index, item] of items.entries()) {
    const misfit = item === null ? undefined : decodeInto(schema.items, item, place, (value) => { items[index] = value; });
    if (misfit) return misfit;
  }
  return undefined;
}

function decodeString(schema: JsonSchema, value: unknown, misfit: (words?: string) => Misfit, write: (value: unknown) => void): Misfit | undefined {
  if (schema.format === 'date-time' || schema.format === 'micro-time') return decodeTime(value, schema.format === 'micro-time', misfit, write);
  if (typeof value !== 'string') return misfit();
  const bad = schema.format === 'byte' ? badBase64(value) : -1;
  return bad < 0 ? undefined : misfit(`illegal base64 data at input byte ${String(bad)}`);
}

function decodeTime(value: unknown, isMicro: boolean, misfit: (words?: string) => Misfit, write: (value: unknown) => void): Misfit | undefined {
  if (typeof value !== 'string') return misfit();
  const read = canonicalTime(value, isMicro);
  if ('problem' in read) return misfit(read.problem);
  write(read.time);
  return undefined;
}

function decodeQuantity(value: unknown, { struct, path }: Place, write: (value: unknown) => void): Misfit | undefined {
  const quantity = typeof value === 'string' || typeof value === 'number' ? parseQuantity(value) : `json: cannot unmarshal ${jsonType(value)} into Go value of type resource.Quantity`;
  if (typeof quantity === 'string') return { words: quantity, value, wanted: 'resource.Quantity', struct, path };
  write(formatQuantity(quantity));
  return undefined;
}

function decodeIntOrString(value: unknown, { struct, path }: Place): Misfit | undefined {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return undefined;
  return { value, wanted: 'int32', struct, path };
}

const BASE64 = /[A-Za-z0-9+/]/;

/** Where a text stops being base64; -1 when it is all of it. */
function badBase64(text: string): number {
  let digits = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? '';
    if (char === '\r' || char === '\n') continue;
    if (char === '=') return endOfPadding(text, index, digits);
    if (!BASE64.test(char)) return index;
    if (digits === 0) start = index;
    digits = (digits + 1) % 4;
  }
  return digits === 0 ? -1 : start;
}

function endOfPadding(text: string, index: number, digits: number): number {
  if (digits < 2) return index;
  const rest = text.slice(index).replaceAll(/[\r\n]/g, '');
  const wanted = '='.repeat(4 - digits);
  if (rest === wanted) return -1;
  return rest.startsWith(wanted) ? index + wanted.length : text.length;
}

/** A field's type as the decoder calls it. */
function goType(schema: JsonSchema, field: string): string {
  switch (schema.type) {
    case 'integer': return WIDE.has(field) ? 'int64' : 'int32';
    case 'number': return 'float64';
    case 'boolean': return 'bool';
    case 'array': return `[]${schema.items ? goType(schema.items, field) : 'interface {}'}`;
    case 'object': return typeof schema.additionalProperties === 'object' ? mapType(schema.additionalProperties, field) : `v1.${schema['x-mizzen-type'] ?? 'Object'}`;
    default: return schema.format === 'byte' ? '[]uint8' : 'string';
  }
}

function mapType(values: JsonSchema, field: string): string {
  return values.format === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(values, field)}`;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}

/** What the JSON decoder says of a misfit. */
export function jsonProblem({ words, value, wanted, struct, path }: Misfit): string {
  if (words !== undefined) return words;
  const shown = typeof value === 'number' && !Number.isInteger(value) && wanted.startsWith('int') ? `number ${String(value)}` : jsonType(value);
  return `json: cannot unmarshal ${shown} into Go struct field ${struct}.${path} of type ${wanted}`;
}

/** What the converter of strategic merge patches says of it. */
export function converterProblem({ words, value, wanted }: Misfit): string {
  if (words !== undefined) return words;
  const kind = Array.isArray(value) ? 'slice' : typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : typeof value === 'string' ? 'string' : 'map';
  if (wanted.startsWith('[]')) return `cannot restore slice from ${kind}`;
  if (wanted.startsWith('map[') || wanted === 'v1.ResourceList') return `cannot restore map from ${kind}`;
  if (wanted.startsWith('v1.')) return `cannot restore struct from: ${kind}`;
  return wanted === 'string' && kind === 'int64' ? 'cannot convert int64 to string' : `unrecognized type: ${wanted}`;
}
