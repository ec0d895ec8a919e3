// Reads the compact notation in which the built-in kinds are written down, into structural schemas.
// A line is `Type: field field ...`; a field is `name[!]:type[=default]`, `!` for required.
// Types: s i n b (string, integer, number, boolean), q (quantity), ios (int-or-string), t (time), mt (time with microseconds), bytes, any, a type's name;
// `[]T` atomic list, `[set]T`, `[key,key]T` list map, `{}T` map, `@T` atomic object.
import type { JsonSchema } from './json-schema.ts';

const SCALARS: Readonly<Record<string, JsonSchema>> = {
  s: { type: 'string' },
  i: { type: 'integer' },
  n: { type: 'number' },
  b: { type: 'boolean' },
  q: { 'x-kubernetes-int-or-string': true, format: 'quantity' },
  ios: { 'x-kubernetes-int-or-string': true },
  t: { type: 'string', format: 'date-time', nullable: true },
  mt: { type: 'string', format: 'micro-time', nullable: true },
  bytes: { type: 'string', format: 'byte' },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
};

interface Draft { type: string; properties: Record<string, JsonSchema>; required: string[]; 'x-mizzen-type': string }

/** Schemas by type name; types may name one another, also in circles. */
export function parseCompactSchemas(text: string): ReadonlyMap<string, JsonSchema> {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const drafts = new Map<string, Draft>();
  const bodies: [Draft, string[]][] = [];
  for (const line of lines) {
    const [name = '', ...fields] = line.split(/\s+/);
    const type = name.replace(/:$/, '');
    if (drafts.has(type)) throw new Error(`type ${type} is written down twice`);
    const draft: Draft = { type: 'object', properties: {}, required: [], 'x-mizzen-type': type };
    drafts.set(type, draft);
    bodies.push([draft, fields]);
  }
  for (const [draft, fields] of bodies) for (const field of fields) addField(draft, field, drafts);
  return drafts;
}

function addField(draft: Draft, field: string, drafts: ReadonlyMap<string, Draft>): void {
  const match = /^([\w$-]+)(!?):([^=]+)(?:=(.*))?$/.exec(field);
  if (!match) throw new Error(`type ${draft['x-mizzen-type']}: cannot read field ${field}`);
  const [, name = '', required, type = '', fallback] = match;
  const schema = readType(type, drafts);
  // What is null when nobody has set it may be null.
  draft.properties[name] = fallback === undefined ? schema : { ...schema, default: readDefault(fallback), ...(fallback === 'null' ? { nullable: true } : {}) };
  if (required === '!') draft.required.push(name);
}

function readDefault(text: string): unknown {
  return /^(-?\d|true$|false$|null$|\{|\[|")/.test(text) && !/^\d+[smhd%]/.test(text) ? JSON.parse(text) : text;
}

function readType(type: string, drafts: ReadonlyMap<string, Draft>): JsonSchema {
  const list = /^\[([\w,]*)\](.+)$/.exec(type);
  if (list) return readList(list[1] ?? '', readType(list[2] ?? '', drafts));
  if (type.startsWith('{}')) return { type: 'object', additionalProperties: readType(type.slice(2), drafts) };
  if (type.startsWith('@{}')) return { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: readType(type.slice(3), drafts) };
  if (type.startsWith('@')) return { ...readNamed(type.slice(1), drafts), 'x-kubernetes-map-type': 'atomic' };
  return SCALARS[type] ?? readNamed(type, drafts);
}

function readList(kind: string, items: JsonSchema): JsonSchema {
  if (kind === '') return { type: 'array', items, 'x-kubernetes-list-type': 'atomic' };
  if (kind === 'set') return { type: 'array', items, 'x-kubernetes-list-type': 'set' };
  return { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': kind.split(',') };
}

function readNamed(name: string, drafts: ReadonlyMap<string, Draft>): JsonSchema {
  const draft = drafts.get(name);
  if (!draft) throw new Error(`type ${name} is not written down`);
  return draft;
}
