import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RCODE, RECORD, decodeQuestion, encodeAnswer } from './dns-message.ts';

function query(name: string, type: number, id = 7): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));

describe('DNS messages', () => {
  it('reads back the question of any query', () => {
    fc.assert(fc.property(name, fc.integer({ min: 1, max: 255 }), fc.integer({ min: 0, max: 65_535 }), (text, type, id) => {
      expect(decodeQuestion(query(text, type, id))).toMatchObject({ id, name: text, type, recursionDesired: true });
    }));
  });

  it('never throws on bytes from outside, and takes no answer for a question', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => { decodeQuestion(Buffer.from(bytes)); }));
    const answer = query('a.b', RECORD.A);
    answer[2] = 0x81;
    expect(decodeQuestion(answer)).toBeUndefined();
    expect(decodeQuestion(query('a.b', RECORD.A).subarray(0, 18))).toBeUndefined();
  });

  it('writes records after the question', () => {
    const question = decodeQuestion(query('web.default.svc.cluster.local', RECORD.A));
    if (!question) throw new Error('no question');
    const answer = encodeAnswer(question, { code: RCODE.noError, records: [{ type: RECORD.A, name: question.name, address: '127.10.128.1' }] }, 512);
    expect(answer.readUInt16BE(0)).toBe(7);
    expect(answer.readUInt16BE(6)).toBe(1);
    expect([...answer.subarray(-4)]).toEqual([127, 10, 128, 1]);
  });

  it('cuts what does not fit and says so', () => {
    const question = decodeQuestion(query('web', RECORD.A));
    if (!question) throw new Error('no question');
    const records = Array.from({ length: 100 }, (_, index) => ({ type: RECORD.A, name: 'web', address: `127.0.0.${index}` }));
    const answer = encodeAnswer(question, { code: RCODE.noError, records }, 512);
    expect(answer.length).toBeLessThanOrEqual(512);
    expect(answer.readUInt16BE(2) & 0x0200).toBe(0x0200);
  });
});
