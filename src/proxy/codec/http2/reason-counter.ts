// Which of Envoy's counters (`http2.<name>`) a codec's reason belongs to; reasons that it does not know have names of their own. Used by whoever owns connections, to count what was refused.

const COUNTERS: Readonly<Record<string, string>> = {
  'http2.empty_frame_flood': 'inbound_empty_frames_flood', 'http2.priority_flood': 'inbound_priority_frames_flood', 'http2.window_update_flood': 'inbound_window_update_frames_flood',
  'http2.control_frame_flood': 'inbound_control_frames_flood', 'http2.continuation_flood': 'inbound_continuation_frames_flood', 'http2.outbound_control_flood': 'outbound_control_flood', 'http2.outbound_flood': 'outbound_flood',
  'http2.headers_too_large': 'header_overflow', 'http2.too_many_premature_resets': 'premature_resets_flood', 'http2.keepalive_timeout': 'keepalive_timeout', 'http2.flush_timeout': 'tx_flush_timeout',
  request_header_timeout: 'request_header_timeout',
};

/** The counter of `detail`: messages and frames that break the rules count together. */
export function http2Counter(detail: string): string {
  return `http2.${COUNTERS[detail] ?? 'rx_messaging_error'}`;
}
