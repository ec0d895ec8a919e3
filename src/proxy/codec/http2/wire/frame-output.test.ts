// What is written is what a reader finds, whatever the sizes and however connections take turns with the memory that they share.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestSocket } from '../testdata/frames.ts';
import { FrameOutput } from './frame-output.ts';
import { FrameReader } from './frame-reader.ts';

/** The frames in `bytes`, as a reader tells them. */
function read(bytes: Buffer): string[] {
  const found: string[] = [];
  let content = '';
  new FrameReader({
    onDataHead: (streamId, length, flags) => {
      content = `data ${streamId} ${flags} ${length} `;
    },
    onDataPiece: (piece, last) => {
      content += piece.toString('latin1');
      if (last) found.push(content);
    },
    onFrame: (type, flags, streamId, source, start, end) => found.push(`${type} ${flags} ${streamId} ${source.toString('hex', start, end)}`),
  }, false).execute(bytes);
  return found;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

describe('FrameOutput', () => {
  it('writes what a reader finds, on connections in turn', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('data' as const), size: fc.oneof(fc.nat(300), fc.nat(16_384)), value: fc.nat(1) }), fc.record({ kind: fc.constant('headers' as const), size: fc.oneof(fc.nat(300), fc.nat(40_000)), value: fc.nat(1) }),
      fc.record({ kind: fc.constantFrom('reset' as const, 'window' as const, 'ping' as const), size: fc.constant(0), value: fc.integer({ min: 1, max: 2 ** 31 - 1 }) }),
    );
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(100_000), action), { maxLength: 60 }), (actions) => {
      const sockets = [new TestSocket(), new TestSocket(), new TestSocket()];
      const outputs = sockets.map((socket) => new FrameOutput(socket, () => undefined));
      const expected: string[][] = [[], [], []];
      for (const [which, streamId, { kind, size, value }] of actions) {
        const output = outputs[which];
        const told = expected[which];
        if (!output || !told) continue;
        if (kind === 'data') {
          const content = Buffer.alloc(size, String.fromCharCode(97 + (streamId % 26)));
          output.data(streamId, content, 0, size, value === 1);
          told.push(`data ${streamId} ${value} ${size} ${content.toString()}`);
        } else if (kind === 'headers') {
          output.headers(streamId, Buffer.alloc(size, 1), size, value === 1);
          const sizes = Array.from({ length: Math.max(1, Math.ceil(size / 16_384)) }, (_none, index) => Math.min(16_384, size - index * 16_384));
          sizes.forEach((part, index) => told.push(`${index === 0 ? 1 : 9} ${(index === 0 ? value : 0) | (index === sizes.length - 1 ? 4 : 0)} ${streamId} ${'01'.repeat(part)}`));
        } else if (kind === 'reset') {
          output.resetStream(streamId, value);
          told.push(`3 0 ${streamId} ${hex(value)}`);
        } else if (kind === 'window') {
          output.windowUpdate(streamId, value);
          told.push(`8 0 ${streamId} ${hex(value)}`);
        } else {
          output.ping(Buffer.from(`${hex(value)}00000000`, 'hex'), 0, true);
          told.push(`6 1 0 ${hex(value)}00000000`);
        }
      }
      for (const output of outputs) output.flush();
      sockets.forEach((socket, index) => expect(read(socket.written)).toEqual(expected[index]));
    }), { numRuns: 150 });
  });

  it('writes small frames right where its memory ends', () => {
    const socket = new TestSocket();
    const output = new FrameOutput(socket, () => undefined);
    const numbers = Array.from({ length: 12_000 }, (_none, index) => index + 1);
    for (const number of numbers) output.windowUpdate(number, number);
    output.flush();
    expect(read(socket.written)).toEqual(numbers.map((number) => `8 0 ${number} ${hex(number)}`));
  });

  it('writes the frames of one turn in one piece', () => {
    const socket = new TestSocket();
    let writes = 0;
    const output = new FrameOutput(socket, () => undefined);
    const write = socket._write.bind(socket);
    socket._write = (chunk, encoding, done) => {
      writes += 1;
      write(chunk, encoding, done);
    };
    output.settingsAck();
    output.headers(1, Buffer.from('88', 'hex'), 1, false);
    output.data(1, Buffer.from('small'), 0, 5, true);
    output.flush();
    expect(writes).toBe(1);
  });
});
