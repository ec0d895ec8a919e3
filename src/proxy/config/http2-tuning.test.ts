// Options of HTTP/2: what is set reaches the codec, what is out of range is refused, what has no effect is told.
import { describe, expect, it } from 'vitest';
import type { Http2ProtocolOptions } from '../../shared/xds/generated/envoy/config/core/v3/protocol.ts';
import { Findings } from './findings.ts';
import { http2Tuning } from './http2-tuning.ts';

function compile(message: Http2ProtocolOptions): { tuning: unknown; issues: string[] } {
  const findings = new Findings('Listener', 'l');
  return { tuning: http2Tuning(message, 'options', findings), issues: findings.issues.map(({ level, path }) => `${level} ${path ?? ''}`) };
}

describe('http2Tuning', () => {
  it('takes what is set and leaves the rest to the codec', () => {
    expect(compile({})).toEqual({ tuning: { floods: {} }, issues: [] });
    expect(compile({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 1_048_576, hpackTableSize: 0, maxOutboundControlFrames: 5, connectionKeepalive: { interval: { seconds: 30 }, timeout: { seconds: 5 } } })).toEqual({
      tuning: { streamWindowBytes: 65_535, connectionWindowBytes: 1_048_576, headerTableBytes: 0, keepalive: { intervalMilliseconds: 30_000, timeoutMilliseconds: 5000 }, floods: { waitingControlFrames: 5 } }, issues: [],
    });
  });

  it('refuses what is out of range and tells what has no effect', () => {
    expect(compile({ initialStreamWindowSize: 10, hpackTableSize: 2 ** 30, connectionKeepalive: { interval: { seconds: 1 } }, allowMetadata: true }).issues).toEqual([
      'warning options.allow_metadata', 'error options.initial_stream_window_size', 'error options.hpack_table_size', 'error options.connection_keepalive.timeout',
    ]);
  });
});
