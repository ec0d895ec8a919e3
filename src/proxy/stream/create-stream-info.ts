// Makes the record of a stream with nothing known yet. Called once a stream, by network filters; every field is set so that all
// records have one hidden class.
import type { ConnectionInfo, StreamInfo } from './stream-info.ts';

/** A stream's record at its start; `now` is the monotonic clock. */
export function createStreamInfo(connection: ConnectionInfo, protocol: StreamInfo['protocol'], now: number): StreamInfo {
  return {
    connection, startMilliseconds: now, startTime: Date.now(), protocol,
    requestEndMilliseconds: 0, firstUpstreamByteMilliseconds: 0, endMilliseconds: 0,
    bytesReceived: 0, bytesSent: 0, method: '', authority: '', path: '', originalPath: '', requestId: '',
    responseCode: 0, responseCodeDetails: '', grpcStatus: '', flags: [], route: null, routeName: '',
    upstreamCluster: '', upstreamHost: '', upstreamLocalAddress: '', upstreamTransportFailure: '', upstreamTls: null, upstreamWorkload: '',
    destinationService: null, attempts: 0, downstreamPeer: null, upstreamPeer: null, trace: null, filterState: new Map(),
  };
}
