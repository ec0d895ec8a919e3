// DNS messages on the wire (RFC 1035 section 4), as far as a cluster's name server needs them: one question in, A, SRV
// and CNAME records out. Reading is strict: what is not one plain question is no question.

/** Types of records. */
export const RECORD = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33, ANY: 255 } as const;
/** Response codes. */
export const RCODE = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4, refused: 5 } as const;

/** The one question of a query. */
export interface Question {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** In lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** The bytes of the question section, to be repeated in the answer. */
  readonly section: Buffer;
}

/** One record of an answer. */
export type DnsRecord =
  | { readonly type: typeof RECORD.A; readonly name: string; readonly address: string }
  | { readonly type: typeof RECORD.CNAME; readonly name: string; readonly target: string }
  | { readonly type: typeof RECORD.SRV; readonly name: string; readonly port: number; readonly target: string };

/** An answer without the question it belongs to. */
export interface Answer {
  readonly code: number;
  readonly records: readonly DnsRecord[];
}

const HEADER = 12;
// Nothing is cached: pods come and go.
const TTL_SECONDS = 0;

/** Reads a query; undefined when the bytes are none. */
export function decodeQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER + 5 || message.length > 4096) return undefined;
  const flags = message.readUInt16BE(2);
  const isQuery = (flags & 0x8000) === 0 && (flags & 0x7800) === 0;
  if (!isQuery || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let offset = HEADER;
  for (;;) {
    const length = message[offset];
    if (length === undefined || length > 63 || labels.length > 127) return undefined;
    offset += 1;
    if (length === 0) break;
    if (offset + length > message.length) return undefined;
    labels.push(message.toString('latin1', offset, offset + length));
    offset += length;
  }
  if (offset + 4 > message.length || message.readUInt16BE(offset + 2) !== 1) return undefined;
  return {
    id: message.readUInt16BE(0), recursionDesired: (flags & 0x0100) !== 0,
    name: labels.join('.').toLowerCase(), type: message.readUInt16BE(offset), section: message.subarray(HEADER, offset + 4),
  };
}

/** Writes an answer; what does not fit into `limit` bytes is cut and marked so. */
export function encodeAnswer(question: Question, answer: Answer, limit: number): Buffer {
  const parts: Buffer[] = [];
  let size = HEADER + question.section.length;
  let truncated = false;
  for (const record of answer.records) {
    const bytes = encodeRecord(record);
    if (size + bytes.length > limit) { truncated = true; break; }
    parts.push(bytes);
    size += bytes.length;
  }
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(0x8400 | (truncated ? 0x0200 : 0) | (question.recursionDesired ? 0x0100 : 0) | 0x0080 | answer.code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(parts.length, 6);
  return Buffer.concat([header, question.section, ...parts]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])), Buffer.from([0])]);
}

function encodeRecord(record: DnsRecord): Buffer {
  const data = encodeData(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(record.type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(TTL_SECONDS, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(record.name), fixed, data]);
}

function encodeData(record: DnsRecord): Buffer {
  if (record.type === RECORD.A) return Buffer.from(record.address.split('.').map(Number));
  if (record.type === RECORD.CNAME) return encodeName(record.target);
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(0, 0);
  fixed.writeUInt16BE(100, 2);
  fixed.writeUInt16BE(record.port, 4);
  return Buffer.concat([fixed, encodeName(record.target)]);
}
