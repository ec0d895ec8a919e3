// Keeps generated resources by the identity of everything they were made from. Snapshots share unchanged records, so an
// equal key means an equal resource; stale entries fall out by age (least recently used).
import type { MessageCodec } from '../../shared/xds/index.ts';
import type { NamedResource } from './named-resource.ts';

/** Makes resources, or finds them again. */
export class ResourceCache {
  readonly #entries = new Map<string, NamedResource>();
  readonly #lists = new Map<string, readonly NamedResource[]>();
  readonly #identities = new WeakMap<object, number>();
  readonly #limit: number;
  readonly #listLimit: number;
  #nextIdentity = 1;
  hits = 0;
  misses = 0;

  constructor(limit = 60_000, listLimit = 400) {
    this.#limit = limit;
    this.#listLimit = listLimit;
  }

  get entries(): number {
    return this.#entries.size;
  }

  /** The resource `name` made from `inputs`: records by identity, everything else by value. */
  resource<T>(typeUrl: string, name: string, codec: MessageCodec<T>, inputs: readonly unknown[], build: () => T): NamedResource {
    return this.#kept(this.#entries, this.#limit, this.#key(typeUrl, name, inputs), () => namedResource(typeUrl, name, codec, build()));
  }

  /** All of the resources that are made together from `inputs`, for example the outbound listeners of a workload. */
  list(typeUrl: string, name: string, inputs: readonly unknown[], build: () => readonly NamedResource[]): readonly NamedResource[] {
    return this.#kept(this.#lists, this.#listLimit, this.#key(typeUrl, name, inputs), build);
  }

  #kept<V>(entries: Map<string, V>, limit: number, key: string, make: () => V): V {
    const known = entries.get(key);
    if (known !== undefined) {
      this.hits += 1;
      entries.delete(key);
      entries.set(key, known);
      return known;
    }
    this.misses += 1;
    const made = make();
    entries.set(key, made);
    if (entries.size > limit) for (const oldest of entries.keys()) {
      entries.delete(oldest);
      break;
    }
    return made;
  }

  #key(typeUrl: string, name: string, inputs: readonly unknown[]): string {
    return `${typeUrl} ${name} ${inputs.map((input) => this.#part(input)).join(' ')}`;
  }

  #part(input: unknown): string {
    if (typeof input !== 'object' || input === null) return `${typeof input}:${String(input)}`;
    let identity = this.#identities.get(input);
    if (identity === undefined) {
      identity = this.#nextIdentity;
      this.#nextIdentity += 1;
      this.#identities.set(input, identity);
    }
    return `#${identity}`;
  }
}

/** A resource whose bytes and fingerprint are made on first use. */
export function namedResource<T>(typeUrl: string, name: string, codec: MessageCodec<T>, message: T): NamedResource {
  let bytes: Uint8Array | undefined;
  let version: string | undefined;
  const encode = (): Uint8Array => (bytes ??= codec.encode(message).finish());
  return {
    name, typeUrl, message, encode,
    get version() {
      return (version ??= fingerprint(encode()));
    },
  };
}

/** 64 bits of FNV-1a in two halves with different starts, and the length: no secret, only a change detector. */
function fingerprint(bytes: Uint8Array): string {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x85ebca6b) ^ (high >>> 13);
  }
  return `${(low >>> 0).toString(16).padStart(8, '0')}${(high >>> 0).toString(16).padStart(8, '0')}-${bytes.length}`;
}
