// Makes the record of a stream with nothing known yet. Called once a stream, by network filters; every field is set so that all
// records have one hidden class.
import type { ConnectionInfo, StreamInfo } from './stream-info.ts';

const NO_STATE: ReadonlyMap<string, string> = new Map();
const NO_METADATA: StreamInfo['dynamicMetadata'] = new Map();

/** Adds the fields of `value` to the dynamic metadata under `namespace`; those of the same name are replaced. */
export function setDynamicMetadata(info: StreamInfo, namespace: string, value: Readonly<Record<string, unknown>>): void {
  if (info.dynamicMetadata === NO_METADATA) info.dynamicMetadata = new Map();
  (info.dynamicMetadata as Map<string, Readonly<Record<string, unknown>>>).set(namespace, { ...info.dynamicMetadata.get(namespace), ...value });
}

/** Sets one entry of filter state; the map is made with the first, as most streams have none. */
export function setFilterState(info: StreamInfo, key: string, value: string): void {
  if (info.filterState === NO_STATE) info.filterState = new Map();
  (info.filterState as Map<string, string>).set(key, value);
}

/** A stream's record at its start; `now` is the monotonic clock. */
export function createStreamInfo(connection: ConnectionInfo, protocol: StreamInfo['protocol'], now: number): StreamInfo {
  return {
    connection, startMilliseconds: now, startTime: Date.now(), protocol,
    requestEndMilliseconds: 0, firstUpstreamByteMilliseconds: 0, endMilliseconds: 0,
    bytesReceived: 0, bytesSent: 0, method: '', authority: '', path: '', originalPath: '', requestId: '',
    responseCode: 0, responseCodeDetails: '', grpcStatus: '', flags: [], route: null, routeName: '',
    upstreamCluster: '', upstreamHost: '', upstreamLocalAddress: '', upstreamTransportFailure: '', upstreamTls: null, upstreamWorkload: '',
    destinationService: null, attempts: 0, downstreamPeer: null, upstreamPeer: null, trace: null, dynamicMetadata: NO_METADATA, filterState: NO_STATE,
  };
}
