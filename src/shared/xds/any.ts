// Packing of messages into google.protobuf.Any and back, by the generated codecs. Used by translation, the ADS server and the proxy.
import type { Any } from './generated/google/protobuf/any.ts';

/** What the generated code offers for a message. */
export interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** `message` packed under its full protobuf name, for example `envoy.config.cluster.v3.Cluster`. */
export function packAny<T>(name: string, codec: Pick<MessageCodec<T>, 'encode'>, message: T): Any {
  return { typeUrl: `type.googleapis.com/${name}`, value: codec.encode(message).finish() };
}

/** The message in `any`; throws when it holds another type or does not decode. */
export function unpackAny<T>(name: string, codec: Pick<MessageCodec<T>, 'decode'>, any: Any): T {
  if (any.typeUrl !== `type.googleapis.com/${name}`) throw new TypeError(`Expected a ${name}, got ${any.typeUrl ?? 'nothing'}`);
  return codec.decode(any.value ?? new Uint8Array());
}
