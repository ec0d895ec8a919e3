// Extension configurations that come wrapped: envoy.config.route.v3.FilterConfig aside, Istio packs its own as
// udpa.type.v1.TypedStruct or xds.type.v3.TypedStruct { type_url = 1; Struct value = 2 }, which have the same bytes.
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Struct } from '../../shared/xds/generated/google/protobuf/struct.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';

/** An extension's configuration: the type's full name, and either its bytes or its JSON fields. */
export interface TypedConfig {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Set when it came as a struct; keys in camelCase. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** What `any` holds, seen through the struct wrappers. Throws when the wrapper does not decode. */
export function typedConfig(any: Any | undefined): TypedConfig {
  const type = typeName(any?.typeUrl ?? '');
  const bytes = any?.value ?? new Uint8Array();
  if (type !== 'udpa.type.v1.TypedStruct' && type !== 'xds.type.v3.TypedStruct') return { type, bytes, fields: null };
  const reader = new BinaryReader(bytes);
  let inner = '';
  let fields: Record<string, unknown> = {};
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) inner = reader.string();
    else if (tag === 18) fields = Struct.unwrap(Struct.decode(reader, reader.uint32()));
    else reader.skip(tag & 7);
  }
  return { type: typeName(inner), bytes: new Uint8Array(), fields: camelKeys(fields) as Record<string, unknown> };
}

/** The part of a type URL behind the last slash. */
export function typeName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()), camelKeys(inner)]));
}
