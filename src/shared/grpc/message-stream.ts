// One direction-neutral form for a stream of messages both ways, on the server and on the client: iterate to receive, `send` waits
// until the peer can take more.
import type { Duplex } from 'node:stream';
import { GrpcError, toGrpcError } from './grpc-error.ts';

/** A stream of messages both ways. Iterating ends when the peer has ended its side; it throws a GrpcError when the call failed. */
export interface MessageStream<In, Out> extends AsyncIterable<In> {
  /** Sends a message; resolves when more may be sent. Rejects when the call is over. */
  send(message: Out): Promise<void>;
  /** Ends our side. */
  end(): void;
  /** Ends the call at once. */
  cancel(): void;
}

/** What ends the wait of a sender: room for more, or the end of the call in its several forms. */
const ENDINGS = ['drain', 'close', 'end', 'error', 'cancelled'] as const;

/** Wraps the library's duplex stream. */
export function messageStream<In, Out>(duplex: Duplex, cancel: () => void): MessageStream<In, Out> {
  // An error with nobody reading or writing must not end the process; readers and writers see it through the calls below.
  let failure: unknown;
  duplex.on('error', (error) => {
    failure = error;
  });
  return {
    async send(message) {
      if (failure !== undefined) throw toGrpcError(failure);
      if (duplex.writableEnded || duplex.destroyed) throw new GrpcError('CANCELLED', 'the stream is closed');
      if (duplex.write(message)) return;
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          for (const event of ENDINGS) duplex.off(event, settle);
          resolve();
        };
        for (const event of ENDINGS) duplex.on(event, settle);
      });
      if (failure !== undefined) throw toGrpcError(failure);
    },
    end: () => duplex.end(),
    cancel,
    async *[Symbol.asyncIterator]() {
      try {
        // A handler that stops reading has still an answer to give: leave the stream open.
        for await (const message of duplex.iterator({ destroyOnReturn: false })) yield message as In;
      } catch (error) {
        throw toGrpcError(error);
      }
    },
  };
}
