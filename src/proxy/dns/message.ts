// DNS messages (RFC 1035 section 4, RFC 6891): queries are read strictly, replies from resolvers are walked to their last byte before anybody believes them, and answers are
// written. Names are kept in lower case with a dot at the end. Everything outside printable ASCII, and a dot inside a label, is written as \DDD.

/** Types of records that are looked at. */
export const RECORD_TYPE = { A: 1, CNAME: 5, AAAA: 28, OPT: 41 } as const;
/** Outcomes of a query. */
export const RESPONSE_CODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

/** Length of a message's header. */
export const HEADER_LENGTH = 12;
const CLASS_IN = 1;
const MAXIMUM_NAME = 255;
/** Each hop of a compressed name goes backwards, so this many are more than any name needs. */
const MAXIMUM_HOPS = 64;

/** A query that can be answered or passed on. */
export interface DnsQuery {
  readonly id: number;
  /** Lower case, with a dot at the end. */
  readonly name: string;
  readonly type: number;
  /** Whether the class is IN, the only one that is answered here. */
  readonly internet: boolean;
  /** Where the question ends in the message. */
  readonly questionEnd: number;
  /** What the client says of EDNS; null when it says nothing. */
  readonly edns: { readonly udpSize: number; readonly version: number } | null;
}

/** A query, or why it is none: an outcome to tell the client, or silence for what is no query at all. */
export type QueryOutcome = { readonly kind: 'query'; readonly query: DnsQuery } | { readonly kind: 'refuse'; readonly id: number; readonly code: number } | { readonly kind: 'ignore' };

/** Says that bytes are not a DNS message. */
class MalformedMessage extends Error {}

/** Reads a query. */
export function parseQuery(bytes: Buffer): QueryOutcome {
  // Answering responses, or what is too short to hold an id, would make loops.
  if (bytes.length < HEADER_LENGTH || isResponse(bytes)) return { kind: 'ignore' };
  const id = bytes.readUInt16BE(0);
  const operation = (bytes.readUInt8(2) >> 3) & 15;
  if (operation !== 0) return { kind: 'refuse', id, code: RESPONSE_CODE.NOTIMP };
  try {
    return { kind: 'query', query: readQuery(bytes, id) };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return { kind: 'refuse', id, code: RESPONSE_CODE.FORMERR };
  }
}

function readQuery(bytes: Buffer, id: number): DnsQuery {
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt16BE(6) !== 0 || bytes.readUInt16BE(8) !== 0) throw new MalformedMessage('one question and no answers make a query');
  const { text: name, end } = readName(bytes, HEADER_LENGTH, false);
  need(bytes, end, 4);
  let edns: DnsQuery['edns'] = null;
  let offset = end + 4;
  for (let count = bytes.readUInt16BE(10); count > 0; count -= 1) {
    const record = readRecord(bytes, offset);
    offset = record.end;
    if (record.type !== RECORD_TYPE.OPT) continue;
    if (edns || record.name !== '.') throw new MalformedMessage('one OPT record, of the root');
    edns = { udpSize: record.class, version: (record.timeToLive >>> 16) & 255 };
  }
  if (offset !== bytes.length) throw new MalformedMessage('bytes after the end');
  return { id, name, type: bytes.readUInt16BE(end), internet: bytes.readUInt16BE(end + 2) === CLASS_IN, questionEnd: end + 4, edns };
}

/** Whether `reply` is a whole, well-formed answer to `question`, the message that was sent. */
export function answersQuestion(reply: Buffer, question: Buffer, questionEnd: number): boolean {
  if (reply.length < questionEnd || !isResponse(reply) || reply.readUInt16BE(0) !== question.readUInt16BE(0)) return false;
  if (((reply.readUInt8(2) ^ question.readUInt8(2)) & 0x78) !== 0 || reply.readUInt16BE(4) !== 1) return false;
  try {
    const asked = readName(question, HEADER_LENGTH, false);
    const answered = readName(reply, HEADER_LENGTH, false);
    if (asked.text !== answered.text || asked.end !== answered.end || !reply.subarray(asked.end, questionEnd).equals(question.subarray(asked.end, questionEnd))) return false;
    let offset = questionEnd;
    for (let count = reply.readUInt16BE(6) + reply.readUInt16BE(8) + reply.readUInt16BE(10); count > 0; count -= 1) offset = readRecord(reply, offset).end;
    return offset === reply.length;
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return false;
  }
}

function isResponse(message: Buffer): boolean {
  return (message.readUInt8(2) & 128) !== 0;
}

function need(bytes: Buffer, offset: number, length: number): void {
  if (offset + length > bytes.length) throw new MalformedMessage('the message is cut off');
}

function readRecord(bytes: Buffer, start: number): { readonly name: string; readonly type: number; readonly class: number; readonly timeToLive: number; readonly end: number } {
  const { text, end } = readName(bytes, start, true);
  need(bytes, end, 10);
  const length = bytes.readUInt16BE(end + 8);
  need(bytes, end + 10, length);
  return { name: text, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2), timeToLive: bytes.readUInt32BE(end + 4), end: end + 10 + length };
}

/** A name at `start` and where it ends there. Pointers lead strictly backwards, so they cannot turn in circles. */
function readName(bytes: Buffer, start: number, compressed: boolean): { readonly text: string; readonly end: number } {
  let text = '';
  let length = 1;
  let end = -1;
  let lowest = start;
  let hops = 0;
  for (let offset = start; ;) {
    need(bytes, offset, 1);
    const size = bytes.readUInt8(offset);
    if (size >= 192 && compressed) {
      need(bytes, offset, 2);
      if (end < 0) end = offset + 2;
      offset = bytes.readUInt16BE(offset) & 0x3fff;
      hops += 1;
      if (offset < HEADER_LENGTH || offset >= lowest || hops > MAXIMUM_HOPS) throw new MalformedMessage('a name that points forward');
      lowest = offset;
      continue;
    }
    if (size >= 64) throw new MalformedMessage('a label that is too long');
    offset += 1;
    if (size === 0) return { text: text === '' ? '.' : text, end: end < 0 ? offset : end };
    need(bytes, offset, size);
    length += size + 1;
    if (length > MAXIMUM_NAME) throw new MalformedMessage('a name that is too long');
    text += `${labelText(bytes.subarray(offset, offset + size))}.`;
    offset += size;
  }
}

function labelText(label: Buffer): string {
  let text = '';
  for (const byte of label) {
    const plain = byte > 32 && byte < 127 && byte !== 46 && byte !== 92;
    text += plain ? String.fromCharCode(byte).toLowerCase() : `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** The bytes of a name as `parseQuery` gives it, or null when it is none. */
export function encodeName(name: string): Buffer | null {
  const parts: Buffer[] = [];
  let length = 1;
  for (const label of name === '.' ? [] : name.replace(/\.$/, '').split('.')) {
    const bytes = Buffer.from(label.replaceAll(/\\(\d{3})/g, (_whole, code: string) => String.fromCharCode(Number(code))), 'latin1');
    if (bytes.length === 0 || bytes.length > 63) return null;
    length += bytes.length + 1;
    parts.push(Buffer.from([bytes.length]), bytes);
  }
  return length > MAXIMUM_NAME ? null : Buffer.concat([...parts, Buffer.from([0])]);
}

/** What is answered. */
export interface DnsAnswer {
  readonly code: number;
  /** The name that the asked one stands for; null when the addresses are its own. */
  readonly alias: string | null;
  /** Bytes of addresses, 4 or 16 each. */
  readonly addresses: readonly Buffer[];
  readonly timeToLiveSeconds: number;
}

/** UDP payload that we say we take and that we send at most, so that nothing is fragmented on the way. */
const UDP_PAYLOAD = 1232;
const MAXIMUM_MESSAGE = 65_535;
const OPTION_LENGTH = 11;

/** How long an answer to `query` may be. */
export function answerLimit(query: DnsQuery, overTcp: boolean): number {
  return overTcp ? MAXIMUM_MESSAGE : Math.max(512, Math.min(UDP_PAYLOAD, query.edns?.udpSize ?? 512));
}

/** The answer to `query`, whose bytes are `message`, in at most `limit` bytes: what does not fit is left out and the truncation is told. */
export function encodeAnswer(message: Buffer, query: DnsQuery, answer: DnsAnswer, limit: number): Buffer {
  const records: Buffer[] = [];
  let room = limit - query.questionEnd - (query.edns ? OPTION_LENGTH : 0);
  let truncated = false;
  const add = (record: Buffer): boolean => {
    if (record.length > room) truncated = true;
    else {
      room -= record.length;
      records.push(record);
    }
    return !truncated;
  };
  let owner = HEADER_LENGTH;
  const alias = answer.alias === null ? null : encodeName(answer.alias);
  if (alias) {
    owner = query.questionEnd + 12;
    add(encodeRecord(HEADER_LENGTH, RECORD_TYPE.CNAME, answer.timeToLiveSeconds, alias));
  }
  for (const address of answer.addresses) {
    if (truncated || !add(encodeRecord(owner, address.length === 4 ? RECORD_TYPE.A : RECORD_TYPE.AAAA, answer.timeToLiveSeconds, address))) break;
  }
  const head = Buffer.from(message.subarray(0, query.questionEnd));
  writeFlags(head, message.readUInt8(2), answer.code, truncated);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(query.edns ? 1 : 0, 10);
  return Buffer.concat([head, ...records, ...(query.edns ? [encodeOption(answer.code)] : [])]);
}

/** The refusal of a message that is no query: its header alone. */
export function encodeRefusal(message: Buffer, code: number): Buffer {
  const head = Buffer.alloc(HEADER_LENGTH);
  message.copy(head, 0, 0, 4);
  writeFlags(head, message.readUInt8(2), code, false);
  return head;
}

/** A response with recursion available; operation and "recursion desired" are the query's. */
function writeFlags(head: Buffer, queryFlags: number, code: number, truncated: boolean): void {
  head.writeUInt8(128 | (queryFlags & 0x79) | (truncated ? 2 : 0), 2);
  head.writeUInt8(128 | (code & 15), 3);
}

function encodeRecord(owner: number, type: number, timeToLiveSeconds: number, data: Buffer): Buffer {
  const record = Buffer.alloc(12 + data.length);
  record.writeUInt16BE(0xc000 | owner, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(timeToLiveSeconds, 6);
  record.writeUInt16BE(data.length, 10);
  data.copy(record, 12);
  return record;
}

/** Our side of EDNS: the payload that we take, and the upper bits of the outcome. */
function encodeOption(code: number): Buffer {
  const option = Buffer.alloc(OPTION_LENGTH);
  option.writeUInt16BE(RECORD_TYPE.OPT, 1);
  option.writeUInt16BE(UDP_PAYLOAD, 3);
  option.writeUInt8(code >> 4, 5);
  return option;
}
