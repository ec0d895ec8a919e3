// How a redirected connection's destination is read from what the kernel gives.
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readSocketAddress, redirectedDestination } from './redirected-destination.ts';

const socket = (localAddress: string, descriptor = 7): Socket => ({ localAddress, _handle: { fd: descriptor } }) as unknown as Socket;

describe('the destination before redirection', () => {
  it('is read from a sockaddr_in and a sockaddr_in6', () => {
    expect(readSocketAddress(Buffer.from('020000500a0909090000000000000000', 'hex'))).toEqual({ address: '10.9.9.9', port: 80 });
    expect(readSocketAddress(Buffer.from('0a00237800000000fd00000000000000000000000000000900000000', 'hex'))).toEqual({ address: 'fd00::9', port: 9080 });
  });

  it('is asked of the table of the connection\'s family, and absent when the kernel knows none', () => {
    const asked: number[][] = [];
    const lookUp = redirectedDestination({
      getOption: (descriptor, level, option, value) => {
        asked.push([descriptor, level, option, value.length]);
        return -1;
      },
    });
    expect([lookUp(socket('10.0.0.1')), lookUp(socket('fd00::1')), lookUp(socket('::ffff:10.0.0.1')), lookUp(socket('10.0.0.1', -1))]).toEqual([null, null, null, null]);
    expect(asked).toEqual([[7, 0, 80, 16], [7, 41, 80, 28], [7, 0, 80, 16]]);
  });
});
