// Options of HTTP/2 that both sides have (envoy.config.core.v3.Http2ProtocolOptions). What is not set is the codec's to choose: Envoy's numbers, apart from the windows, which are smaller there.
import type { Http2ProtocolOptions, KeepaliveSettings } from '../../shared/xds/generated/envoy/config/core/v3/protocol.ts';
import type { Findings } from './findings.ts';
import type { Http2TuningConfig } from './http2-tuning-config.ts';
import { milliseconds } from './values.ts';

const LEAST_WINDOW = 65_535;
const LARGEST_WINDOW = 2_147_483_647;
const LARGEST_TABLE = 1024 * 1024;

/** Compiles the options, all but those that belong to one side. */
export function http2Tuning(message: Http2ProtocolOptions | undefined, path: string, findings: Findings): Http2TuningConfig {
  if (!message) return {};
  findings.ignoreFields(message, path, ['customSettingsParameters', 'allowMetadata', 'streamErrorOnInvalidHttpMessaging', 'overrideStreamErrorOnInvalidHttpMessage', 'useOghttp2Codec']);
  const window = (value: number | undefined, field: string): number | undefined => within(value, LEAST_WINDOW, LARGEST_WINDOW, `${path}.${field}`, findings);
  return defined({
    streamWindowBytes: window(message.initialStreamWindowSize, 'initial_stream_window_size'), connectionWindowBytes: window(message.initialConnectionWindowSize, 'initial_connection_window_size'),
    headerTableBytes: within(message.hpackTableSize, 0, LARGEST_TABLE, `${path}.hpack_table_size`, findings), keepalive: keepalive(message.connectionKeepalive, `${path}.connection_keepalive`, findings),
    floods: defined({
      waitingFrames: message.maxOutboundFrames, waitingControlFrames: message.maxOutboundControlFrames, emptyFrames: message.maxConsecutiveInboundFramesWithEmptyPayload,
      priorityFrames: message.maxInboundPriorityFramesPerStream, windowUpdatesForData: message.maxInboundWindowUpdateFramesPerDataFrameSent,
    }),
  });
}

function keepalive(settings: KeepaliveSettings | undefined, path: string, findings: Findings): Http2TuningConfig['keepalive'] {
  if (!settings) return undefined;
  findings.ignoreFields(settings, path, ['connectionIdleInterval', 'intervalJitter']);
  const intervalMilliseconds = milliseconds(settings.interval, 0);
  const timeoutMilliseconds = milliseconds(settings.timeout, 0);
  if (timeoutMilliseconds < 1) findings.refuse(`${path}.timeout`, 'A timeout of at least one millisecond is needed.');
  return intervalMilliseconds < 1 ? undefined : { intervalMilliseconds, timeoutMilliseconds };
}

function within(value: number | undefined, least: number, most: number, path: string, findings: Findings): number | undefined {
  if (value !== undefined && (value < least || value > most)) findings.refuse(path, `The value must be from ${least} to ${most}; found ${value}.`);
  return value;
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

/** `record` without what is undefined. */
function defined<T extends object>(record: T): Defined<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Defined<T>;
}
