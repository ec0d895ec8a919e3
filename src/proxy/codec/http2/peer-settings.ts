// What the peer said in its SETTINGS (RFC 9113 section 6.5, RFC 8441 section 3). Used by each HTTP/2 connection.
import { ConnectionError, DEFAULT_WINDOW, ErrorCode, FRAME_BYTES, MAXIMUM_WINDOW, Setting } from './wire/protocol.ts';

/** Honest peers send a handful. */
const MAXIMUM_ENTRIES = 64;

/** The settings in force. */
export class PeerSettings {
  maximumConcurrentStreams = Infinity;
  initialWindow = DEFAULT_WINDOW;
  headerTableBytes = 4096;
  connectProtocol = false;
  readonly #fromServer: boolean;

  constructor(fromServer: boolean) {
    this.#fromServer = fromServer;
  }

  /** Takes the payload of a SETTINGS frame; throws when it is not allowed. */
  read(source: Buffer, start: number, end: number): void {
    if ((end - start) % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.invalid_settings_size');
    if (end - start > MAXIMUM_ENTRIES * 6) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'http2.too_many_settings');
    for (let at = start; at < end; at += 6) this.#take(source.readUInt16BE(at), source.readUInt32BE(at + 2));
  }

  #take(setting: number, value: number): void {
    switch (setting) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return;
      case Setting.ENABLE_PUSH:
        this.#require(value === 0 || (value === 1 && !this.#fromServer));
        return;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maximumConcurrentStreams = value;
        return;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAXIMUM_WINDOW) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'http2.invalid_initial_window');
        this.initialWindow = value;
        return;
      case Setting.MAX_FRAME_SIZE:
        // We send no larger frames than every peer takes.
        this.#require(value >= FRAME_BYTES && value < 1 << 24);
        return;
      case Setting.ENABLE_CONNECT_PROTOCOL:
        this.#require(value === 1 || (value === 0 && !this.connectProtocol));
        this.connectProtocol = value === 1;
        return;
      default:
        // Unknown ones, and the advice on header sizes, are ignored.
    }
  }

  #require(condition: boolean): void {
    if (!condition) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_setting');
  }
}
