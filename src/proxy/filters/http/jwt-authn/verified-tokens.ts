// Tokens whose signature held, so that it is checked once a token: bounded, the one unused for longest goes first. What may change with time or request (expiry,
// audiences) is checked again at each use, and an entry is good only for the key set that vouched for it.
import type { JsonWebToken } from './json-web-token.ts';
import type { KeySet } from './key-set.ts';

const MAXIMUM_LENGTH = 4096;

/** Remembers tokens. */
export class VerifiedTokens {
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly token: JsonWebToken; readonly keys: KeySet }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** What `text` says, when `keys` vouched for it and it has not expired at `oldest` (seconds since 1970). */
  find(text: string, keys: KeySet, oldest: number): JsonWebToken | undefined {
    const entry = this.#entries.get(text);
    if (!entry) return undefined;
    this.#entries.delete(text);
    if (entry.keys !== keys || (entry.token.expires > 0 && entry.token.expires < oldest)) return undefined;
    this.#entries.set(text, entry);
    return entry.token;
  }

  /** Remembers a token. Long ones are not: a client could fill the memory with them. */
  add(text: string, token: JsonWebToken, keys: KeySet): void {
    if (text.length > MAXIMUM_LENGTH || this.#limit <= 0) return;
    this.#entries.delete(text);
    this.#entries.set(text, { token, keys });
    if (this.#entries.size > this.#limit) for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}
