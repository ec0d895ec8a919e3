// The error for a body in which not even a kind can be found: it says what was expected, and shows the beginning of what came.
import { ApiStatusError } from './internal-client.ts';
import { badRequest } from './status.ts';

const SHOWN_BYTES = 30;

/** 400 for a body that cannot be decoded at all. */
export class UnreadableBody extends ApiStatusError {
  readonly #bytes: Uint8Array;

  constructor(problem: string, bytes: Uint8Array) {
    super(400, 'BadRequest', problem);
    this.#bytes = bytes;
  }

  /** The same where an object of that kind was expected. */
  expecting(kind: string): ApiStatusError {
    return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${this.message} (${summary(Buffer.from(this.#bytes))})`);
  }
}

/** JSON is shown as it is, anything else in hexadecimal. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const first = bytes.subarray(0, SHOWN_BYTES);
  return `${bytes[0] === 0x7b ? first.toString('utf8') : first.toString('hex')}${bytes.length > SHOWN_BYTES ? ' ...' : ''}`;
}
