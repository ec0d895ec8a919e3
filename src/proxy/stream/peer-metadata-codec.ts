// Istio's description of a workload as protobuf: a google.protobuf.Struct, in base64 in the header x-envoy-peer-metadata or in an Any inside the TCP
// exchange. A tiny codec of its own, because the data plane knows no protobuf and needs only strings and one nested struct.
import type { PeerMetadata } from './stream-info.ts';

/** Nothing known of the peer. */
export const UNKNOWN_PEER: PeerMetadata = { name: '', namespace: '', workloadName: '', clusterId: '', app: '', version: '', canonicalName: '', canonicalRevision: '' };

const STRUCT_URL = 'type.googleapis.com/google.protobuf.Struct';
type StructValue = string | { readonly [key: string]: StructValue };

/** The Struct that describes `peer`. */
export function encodePeerMetadata(peer: PeerMetadata): Buffer {
  const labels: Record<string, StructValue> = {};
  if (peer.app !== '') labels['app'] = peer.app;
  if (peer.version !== '') labels['version'] = peer.version;
  if (peer.canonicalName !== '') labels['service.istio.io/canonical-name'] = peer.canonicalName;
  if (peer.canonicalRevision !== '') labels['service.istio.io/canonical-revision'] = peer.canonicalRevision;
  return encodeStruct({ NAME: peer.name, NAMESPACE: peer.namespace, WORKLOAD_NAME: peer.workloadName, CLUSTER_ID: peer.clusterId, LABELS: labels });
}

/** The Any that wraps the Struct, for the TCP exchange. */
export function encodePeerMetadataAny(peer: PeerMetadata): Buffer {
  return Buffer.concat([field(1, Buffer.from(STRUCT_URL)), field(2, encodePeerMetadata(peer))]);
}

/** The peer a Struct describes; null for bytes that are no Struct. */
export function decodePeerMetadata(bytes: Buffer): PeerMetadata | null {
  const struct = decodeStruct(bytes, 0);
  if (!struct) return null;
  const text = (value: StructValue | undefined): string => (typeof value === 'string' ? value : '');
  const found = struct['LABELS'];
  const labels: Readonly<Record<string, StructValue>> = typeof found === 'object' ? found : {};
  return {
    name: text(struct['NAME']), namespace: text(struct['NAMESPACE']), workloadName: text(struct['WORKLOAD_NAME']), clusterId: text(struct['CLUSTER_ID']),
    app: text(labels['app']), version: text(labels['version']),
    canonicalName: text(labels['service.istio.io/canonical-name']), canonicalRevision: text(labels['service.istio.io/canonical-revision']),
  };
}

/** The peer that an Any of a Struct describes; null when it is something else. */
export function decodePeerMetadataAny(bytes: Buffer): PeerMetadata | null {
  let struct: Buffer | null = null;
  const good = readFields(bytes, (number, value) => {
    if (number === 2) struct = value;
  });
  return good && struct ? decodePeerMetadata(struct) : null;
}

function encodeStruct(struct: Readonly<Record<string, StructValue>>): Buffer {
  return Buffer.concat(Object.entries(struct).map(([key, value]) => {
    const encoded = typeof value === 'string' ? field(3, Buffer.from(value)) : field(5, encodeStruct(value));
    return field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, encoded)]));
  }));
}

function field(number: number, bytes: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let { length } = bytes;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}

function decodeStruct(bytes: Buffer, depth: number): Record<string, StructValue> | null {
  if (depth > 4) return null;
  const struct: Record<string, StructValue> = Object.create(null) as Record<string, StructValue>;
  let good = true;
  const read = readFields(bytes, (number, entry) => {
    if (number !== 1 || !entry) return;
    let key = '';
    let value: StructValue | undefined;
    good = readFields(entry, (part, content) => {
      if (!content) return;
      if (part === 1) key = content.toString();
      if (part === 2) value = decodeValue(content, depth);
    }) && good;
    if (value !== undefined) struct[key] = value;
  });
  return read && good ? struct : null;
}

function decodeValue(bytes: Buffer, depth: number): StructValue | undefined {
  let value: StructValue | undefined;
  readFields(bytes, (number, content) => {
    if (number === 3 && content) value = content.toString();
    if (number === 5 && content) value = decodeStruct(content, depth + 1) ?? undefined;
  });
  return value;
}

/** Calls `take` for each field, with null for numbers; false when the bytes are malformed. */
function readFields(bytes: Buffer, take: (number: number, content: Buffer | null) => void): boolean {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[offset];
      if (byte === undefined) return -1;
      offset += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    while ((bytes[offset] ?? 0) > 127) offset += 1;
    offset += 1;
    return 0;
  };
  while (offset < bytes.length) {
    const tag = varint();
    if (tag < 0) return false;
    const wireType = tag & 7;
    if (wireType === 2) {
      const length = varint();
      if (length < 0 || offset + length > bytes.length) return false;
      take(tag >>> 3, bytes.subarray(offset, offset + length));
      offset += length;
    } else if (wireType === 0) {
      varint();
      take(tag >>> 3, null);
    } else if (wireType === 1 || wireType === 5) offset += wireType === 1 ? 8 : 4;
    else return false;
  }
  return offset === bytes.length;
}
