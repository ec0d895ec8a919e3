// Names one gRPC method and how its messages become bytes; the same value serves server and client.

/** Turns messages into bytes and back. */
export interface Codec<T> {
  encode(message: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** What the generated protobuf modules export for a message. */
export interface GeneratedMessage<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** One method: unary, or a stream both ways. */
export interface GrpcMethod<Request, Response> {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

/** The codec of a generated message. */
export function protobufCodec<T>(message: GeneratedMessage<T>): Codec<T> {
  return { encode: (value) => message.encode(value).finish(), decode: (bytes) => message.decode(bytes) };
}
