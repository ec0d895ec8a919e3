// DNS messages against hostile bytes: nothing throws, nothing runs in circles, and what is written can be read.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { answerLimit, answersQuestion, encodeAnswer, encodeName, encodeRefusal, HEADER_LENGTH, parseQuery, RECORD_TYPE, type DnsQuery } from './message.ts';

const header = (fields: { id?: number; flags?: number; questions?: number; answers?: number; authorities?: number; additionals?: number } = {}): Buffer => {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  [fields.id ?? 7, fields.flags ?? 0x0100, fields.questions ?? 1, fields.answers ?? 0, fields.authorities ?? 0, fields.additionals ?? 0].forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
};
const question = (name: string, type: number = RECORD_TYPE.A, place = 1): Buffer => Buffer.concat([encodeName(name) ?? Buffer.alloc(0), Buffer.from([type >> 8, type & 255, 0, place])]);
const option = (udpSize: number, version = 0): Buffer => Buffer.from([0, 0, 41, udpSize >> 8, udpSize & 255, 0, version, 0, 0, 0, 0]);
const query = (name: string, type?: number): Buffer => Buffer.concat([header(), question(name, type)]);

function read(bytes: Buffer): DnsQuery {
  const outcome = parseQuery(bytes);
  if (outcome.kind !== 'query') throw new Error(JSON.stringify(outcome));
  return outcome.query;
}

const label = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-_') });
const hostName = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => `${labels.join('.')}.`);

describe('parseQuery', () => {
  it('reads every name that can be written, in lower case', () => {
    fc.assert(fc.property(hostName, fc.nat(65_535), (name, type) => {
      expect(read(query(name.toUpperCase(), type))).toMatchObject({ id: 7, name, type, internet: true, edns: null });
    }));
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(['query', 'refuse', 'ignore']).toContain(parseQuery(Buffer.from(bytes)).kind);
    }), { numRuns: 2000 });
  });

  it('never throws for a query with a byte changed or the end cut off, and takes none that is cut off', () => {
    const whole = Buffer.concat([header({ additionals: 1 }), question('reviews.bookinfo.svc.cluster.local.'), option(4096)]);
    fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (index, value) => {
      const changed = Buffer.from(whole);
      changed[index] = value;
      parseQuery(changed);
    }), { numRuns: 2000 });
    for (let length = HEADER_LENGTH; length < whole.length; length += 1) expect(parseQuery(whole.subarray(0, length)).kind).toBe('refuse');
  });

  it('says nothing to responses and to what is shorter than a header', () => {
    expect(parseQuery(Buffer.concat([header({ flags: 0x8180 }), question('a.')])).kind).toBe('ignore');
    expect(parseQuery(Buffer.alloc(11)).kind).toBe('ignore');
  });

  it.each<[string, Buffer, number]>([
    ['another operation', Buffer.concat([header({ flags: 0x2800 }), question('a.')]), 4],
    ['no question', header({ questions: 0 }), 1],
    ['two questions', Buffer.concat([header({ questions: 2 }), question('a.'), question('b.')]), 1],
    ['answers', Buffer.concat([header({ answers: 1 }), question('a.')]), 1],
    ['a compressed name', Buffer.concat([header(), Buffer.from([0xc0, 12, 0, 1, 0, 1])]), 1],
    ['a reserved kind of label', Buffer.concat([header(), Buffer.from([0x40, 1, 0, 0, 1, 0, 1])]), 1],
    ['a name of more than 255 bytes', Buffer.concat([header(), ...Array.from({ length: 5 }, () => Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 'a')])), Buffer.from([0, 0, 1, 0, 1])]), 1],
    ['bytes after the end', Buffer.concat([query('a.'), Buffer.from([0])]), 1],
    ['two OPT records', Buffer.concat([header({ additionals: 2 }), question('a.'), option(512), option(512)]), 1],
    ['an OPT record of a name', Buffer.concat([header({ additionals: 1 }), question('a.'), Buffer.from([1, 97]), option(512)]), 1],
    ['a record that is longer than the message', Buffer.concat([header({ additionals: 1 }), question('a.'), Buffer.from([0, 0, 41, 2, 0, 0, 0, 0, 0, 255, 255])]), 1],
    ['a record whose name points at itself', Buffer.concat([header({ additionals: 1 }), question('a.'), Buffer.from([0xc0, 19]), option(512).subarray(1)]), 1],
    ['a record whose name points forward', Buffer.concat([header({ additionals: 1 }), question('a.'), Buffer.from([0xc0, 25]), option(512).subarray(1)]), 1],
    ['a record whose name points into the header', Buffer.concat([header({ additionals: 1 }), question('a.'), Buffer.from([0xc0, 0]), option(512).subarray(1)]), 1],
  ])('refuses %s', (_what, bytes, code) => {
    expect(parseQuery(bytes)).toEqual({ kind: 'refuse', id: 7, code });
  });
});

describe('encodeAnswer', () => {
  const saysTruncated = (message: Buffer): boolean => (message.readUInt8(2) & 2) !== 0;
  const addresses = (count: number): Buffer[] => Array.from({ length: count }, (_unused, index) => Buffer.from([10, 0, index >> 8, index & 255]));

  it('writes answers that are whole, and believed as answers to their question', () => {
    fc.assert(fc.property(hostName, fc.option(hostName), fc.nat(60), fc.boolean(), (name, alias, count, edns) => {
      const message = edns ? Buffer.concat([header({ additionals: 1 }), question(name), option(4096)]) : query(name);
      const asked = read(message);
      const answer = encodeAnswer(message, asked, { code: 0, alias, addresses: addresses(count), timeToLiveSeconds: 30 }, answerLimit(asked, true));
      expect(answersQuestion(answer, message, asked.questionEnd)).toBe(true);
      expect(answer.readUInt16BE(6)).toBe(count + (alias === null ? 0 : 1));
      expect(saysTruncated(answer)).toBe(false);
    }));
  });

  it('leaves out what does not fit, says so, and stays whole', () => {
    fc.assert(fc.property(hostName, fc.integer({ min: 40, max: 300 }), fc.option(fc.integer({ min: 0, max: 5000 })), (name, count, udpSize) => {
      const message = udpSize === null ? query(name) : Buffer.concat([header({ additionals: 1 }), question(name), option(udpSize)]);
      const asked = read(message);
      const answer = encodeAnswer(message, asked, { code: 0, alias: null, addresses: addresses(count), timeToLiveSeconds: 30 }, answerLimit(asked, false));
      expect(answer.length).toBeLessThanOrEqual(Math.max(512, Math.min(1232, udpSize ?? 512)));
      expect(saysTruncated(answer)).toBe(answer.readUInt16BE(6) < count);
      expect(answersQuestion(answer, message, asked.questionEnd)).toBe(true);
    }));
  });

  it('refuses with the id and operation of what was asked', () => {
    const refusal = encodeRefusal(Buffer.concat([header({ id: 99, flags: 0x2900 }), question('a.')]), 4);
    expect([refusal.readUInt16BE(0), refusal.readUInt16BE(2), refusal.length]).toEqual([99, 0xa984, 12]);
  });
});

describe('answersQuestion', () => {
  const asked = query('api.example.');
  const end = read(asked).questionEnd;
  const answer = encodeAnswer(asked, read(asked), { code: 0, alias: null, addresses: [Buffer.from([1, 2, 3, 4])], timeToLiveSeconds: 1 }, 512);
  const changed = (offset: number, value: number): Buffer => {
    const copy = Buffer.from(answer);
    copy[offset] = value;
    return copy;
  };

  it('believes no reply with another id, question, class or operation, and none that is not whole', () => {
    expect(answersQuestion(answer, asked, end)).toBe(true);
    for (const forged of [changed(1, 8), changed(2, 0x09), changed(2, 0x91), changed(13, 98), changed(end - 1, 3), answer.subarray(0, -1), Buffer.concat([answer, Buffer.from([0])]), changed(5, 2), changed(7, 2)]) expect(answersQuestion(forged, asked, end)).toBe(false);
  });

  it('ends for every reply', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
      answersQuestion(Buffer.concat([answer.subarray(0, end), Buffer.from(tail)]), asked, end);
    }), { numRuns: 2000 });
    const chain = Buffer.concat([answer.subarray(0, end), ...Array.from({ length: 5000 }, (_unused, index) => Buffer.from([0xc0 | ((end + index * 2 - 2) >> 8), (end + index * 2 - 2) & 255]))]);
    expect(answersQuestion(chain, asked, end)).toBe(false);
  });
});
