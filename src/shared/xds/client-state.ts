// The client's half of the ADS protocol, without I/O: which request to send on subscribing, on accepting or refusing a
// response, and after a reconnect. One object a type; it outlives streams. Used by the proxy's xDS client.

/** A state-of-the-world request to send; the sender adds the node to the first one of a stream. */
export interface SotwClientRequest {
  typeUrl: string;
  versionInfo: string;
  responseNonce: string;
  resourceNames: string[];
  errorDetail?: { code: number; message: string };
}

/** A delta request to send; the sender adds the node to the first one of a stream. */
export interface DeltaClientRequest {
  typeUrl: string;
  responseNonce: string;
  resourceNamesSubscribe: string[];
  resourceNamesUnsubscribe: string[];
  initialResourceVersions: { [name: string]: string };
  errorDetail?: { code: number; message: string };
}

/** gRPC status INVALID_ARGUMENT, which a refusal carries. */
const INVALID_ARGUMENT = 3;

/** A state-of-the-world subscription from the client's side. */
export class SotwClientState {
  readonly typeUrl: string;
  #names: readonly string[] = [];
  #version = '';
  #nonce = '';
  #started = false;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  /** Version of the last accepted response. */
  get acceptedVersion(): string {
    return this.#version;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Sets the names (empty for a wildcard type); returns the request to send now, if the stream is up and they changed. */
  subscribe(names: Iterable<string>): SotwClientRequest | undefined {
    const next = [...new Set(names)].sort();
    const same = next.length === this.#names.length && next.every((name, index) => name === this.#names[index]);
    this.#names = next;
    return same || !this.#started ? undefined : this.#request();
  }

  /** The stream is up (again): returns the first request on it. The version tells the server what is held; nonces belong to streams. */
  connect(): SotwClientRequest {
    this.#started = true;
    this.#nonce = '';
    return this.#request();
  }

  /** The stream is gone: nothing is sent until `connect`. */
  disconnect(): void {
    this.#started = false;
    this.#nonce = '';
  }

  /** The response was taken: returns the ACK. */
  accept(response: { readonly versionInfo?: string | undefined; readonly nonce?: string | undefined }): SotwClientRequest {
    this.#version = response.versionInfo ?? '';
    this.#nonce = response.nonce ?? '';
    return this.#request();
  }

  /** The response was refused: returns the NACK, which keeps the version of what is in force. */
  refuse(response: { readonly nonce?: string | undefined }, message: string): SotwClientRequest {
    this.#nonce = response.nonce ?? '';
    return { ...this.#request(), errorDetail: { code: INVALID_ARGUMENT, message } };
  }

  #request(): SotwClientRequest {
    return { typeUrl: this.typeUrl, versionInfo: this.#version, responseNonce: this.#nonce, resourceNames: [...this.#names] };
  }
}

/** A delta subscription from the client's side. */
export class DeltaClientState {
  readonly typeUrl: string;
  readonly #wildcard: boolean;
  #names: ReadonlySet<string> = new Set();
  readonly #versions = new Map<string, string>();
  #started = false;

  /** `wildcard`: everything of the type is wanted (clusters, listeners); otherwise the names given to `subscribe`. */
  constructor(typeUrl: string, wildcard: boolean) {
    this.typeUrl = typeUrl;
    this.#wildcard = wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Version of each resource in force. */
  get versions(): ReadonlyMap<string, string> {
    return this.#versions;
  }

  /** Sets the names; returns the request to send now, if the stream is up and they changed. Resources that are no longer named are forgotten. */
  subscribe(names: Iterable<string>): DeltaClientRequest | undefined {
    const next = new Set(names);
    const added = [...next].filter((name) => !this.#names.has(name));
    const removed = [...this.#names].filter((name) => !next.has(name));
    this.#names = next;
    for (const name of removed) this.#versions.delete(name);
    if (!this.#started || (added.length === 0 && removed.length === 0)) return undefined;
    return { ...this.#empty(), resourceNamesSubscribe: added, resourceNamesUnsubscribe: removed };
  }

  /** The stream is up (again): returns the first request on it, which names what is held; undefined while nothing is wanted. */
  connect(): DeltaClientRequest | undefined {
    this.#started = true;
    if (!this.#wildcard && this.#names.size === 0) return undefined;
    return { ...this.#empty(), resourceNamesSubscribe: [...this.#names], initialResourceVersions: Object.fromEntries(this.#versions) };
  }

  /** The stream is gone: nothing is sent until `connect`. */
  disconnect(): void {
    this.#started = false;
  }

  /** The response was taken: returns the ACK. */
  accept(response: {
    readonly nonce?: string | undefined;
    readonly resources?: readonly { readonly name?: string | undefined; readonly version?: string | undefined }[] | undefined;
    readonly removedResources?: readonly string[] | undefined;
  }): DeltaClientRequest {
    for (const { name = '', version = '' } of response.resources ?? []) this.#versions.set(name, version);
    for (const name of response.removedResources ?? []) this.#versions.delete(name);
    return { ...this.#empty(), responseNonce: response.nonce ?? '' };
  }

  /** The response was refused: returns the NACK; what was in force stays. */
  refuse(response: { readonly nonce?: string | undefined }, message: string): DeltaClientRequest {
    return { ...this.#empty(), responseNonce: response.nonce ?? '', errorDetail: { code: INVALID_ARGUMENT, message } };
  }

  #empty(): DeltaClientRequest {
    return { typeUrl: this.typeUrl, responseNonce: '', resourceNamesSubscribe: [], resourceNamesUnsubscribe: [], initialResourceVersions: {} };
  }
}
