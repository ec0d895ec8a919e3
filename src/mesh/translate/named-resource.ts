// What translation returns: a typed xDS message under its name, turned into bytes once and only when asked.

/** One xDS resource. */
export interface NamedResource {
  readonly name: string;
  readonly typeUrl: string;
  /** The typed plain message. Never changed once made. */
  readonly message: unknown;
  /** Fingerprint of the content: equal when the bytes are equal. Usable as a resource version in delta xDS. */
  readonly version: string;
  /** The message as protobuf bytes; made on first use and kept. */
  encode(): Uint8Array;
}
