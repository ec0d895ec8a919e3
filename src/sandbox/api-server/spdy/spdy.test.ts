// SPDY/3.1 from outside: bytes in, bytes out, whatever the pieces they come in.
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { controlFrame, dataFrame, FIN, FrameReader, PING, RST_STREAM, SYN_REPLY, SYN_STREAM, type Frame } from './frames.ts';
import { HeaderReader, HeaderWriter, uint32, type Headers } from './header-block.ts';
import { headerDictionary } from './header-dictionary.ts';
import { SpdyConnection } from './spdy-connection.ts';

it('the dictionary is the one of the specification', () => {
  expect(headerDictionary.length).toBe(1423);
  expect(createHash('sha256').update(headerDictionary).digest('hex')).toBe('51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02');
});

it('frames survive any cutting', () => {
  const frame = fc.oneof(
    fc.record({ kind: fc.constant('data' as const), stream: fc.integer({ min: 1, max: 0x7fff_ffff }), flags: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)) }),
    fc.record({ kind: fc.constant('control' as const), type: fc.integer({ min: 1, max: 9 }), flags: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)) }),
  );
  fc.assert(fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (frames, size) => {
    const bytes = Buffer.concat(frames.map((one) => (one.kind === 'data' ? dataFrame(one.stream, one.flags, one.payload) : controlFrame(one.type, one.flags, one.payload))));
    const reader = new FrameReader();
    const read: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.read(bytes.subarray(at, at + size)));
    expect(read).toEqual(frames);
  }));
});

it('header blocks survive, one after the other', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.tuple(text.map((name) => name.toLowerCase()), text), { maxLength: 5 }), { maxLength: 4 }), async (blocks) => {
    const [writer, reader] = [new HeaderWriter(), new HeaderReader()];
    for (const headers of blocks.map((pairs) => new Map(pairs))) expect(new Map(await reader.read(await writer.write(headers)))).toEqual(headers);
    writer.close();
    reader.close();
  }), { numRuns: 30 });
});

it.each([[Buffer.from('not zlib at all')], [Buffer.alloc(5000)]])('a header block that cannot be read is refused', async (block) => {
  const reader = new HeaderReader();
  await expect(reader.read(block)).rejects.toThrow();
  reader.close();
});

/** A connection whose streams echo, and a client's end of it. */
function echo(): { connection: SpdyConnection; answers: () => Frame[]; opened: Headers[]; write: HeaderWriter } {
  const sent: Buffer[] = [];
  const opened: Headers[] = [];
  const connection = new SpdyConnection({
    send: (bytes) => { sent.push(bytes); return Promise.resolve(); },
    onStream: (stream: Duplex, headers) => { opened.push(headers); stream.on('error', () => undefined).pipe(stream); },
  });
  return { connection, opened, write: new HeaderWriter(), answers: () => new FrameReader().read(Buffer.concat(sent)) };
}

it('a stream is answered, echoes and ends', async () => {
  const { connection, answers, opened, write } = echo();
  const block = await write.write(new Map([['streamtype', 'data'], ['port', '80']]));
  await connection.receive(controlFrame(SYN_STREAM, 0, uint32(1), uint32(0), Buffer.from([0, 0]), block));
  await connection.receive(dataFrame(1, FIN, Buffer.from('hello')));
  await connection.receive(controlFrame(PING, 0, uint32(7)));
  await expect.poll(() => answers().length).toBe(4);
  expect(opened).toEqual([new Map([['streamtype', 'data'], ['port', '80']])]);
  const [reply, ...rest] = answers();
  expect(reply).toMatchObject({ kind: 'control', type: SYN_REPLY });
  expect(rest).toContainEqual({ kind: 'control', type: PING, flags: 0, payload: uint32(7) });
  expect(rest).toContainEqual({ kind: 'data', stream: 1, flags: 0, payload: Buffer.from('hello') });
  expect(rest).toContainEqual({ kind: 'data', stream: 1, flags: FIN, payload: Buffer.alloc(0) });
  connection.close();
});

it('data of a stream that was never opened is refused, and broken frames end the connection', async () => {
  const { connection, answers } = echo();
  await connection.receive(dataFrame(9, 0, Buffer.from('x')));
  expect(answers()).toEqual([{ kind: 'control', type: RST_STREAM, flags: 0, payload: Buffer.concat([uint32(9), uint32(2)]) }]);
  await expect(connection.receive(Buffer.from([0x80, 0x09, 0, 1, 0, 0, 0, 0]))).rejects.toThrow('SPDY 9');
  connection.close();
});
