// External authorization of connections (envoy.filters.network.ext_authz): a gRPC service is asked before a byte of the application is read. Without an answer the connection is closed, unless
// the configuration says otherwise. Envoy asks with the first bytes; asking at once also holds for protocols in which the server speaks first.
import type { NetworkExtAuthzConfig } from '../../../config/ext-authz-config.ts';
import { compileMetadataMatch, NO_METADATA } from '../../../route/metadata-matcher.ts';
import { CHECK_METHOD, decodeCheckAnswer, encodeCheckQuestion, type CheckAnswer } from '../../../service-messages/authorization.ts';
import { checkPeers } from '../../check-peers.ts';
import { callGrpc } from '../../grpc-call.ts';
import type { NetworkConnection, NetworkFilter, NetworkFilterPlace } from '../api.ts';

/** Makes the filter. */
export function networkExtAuthzFilter(config: NetworkExtAuthzConfig, { services }: NetworkFilterPlace): NetworkFilter {
  const enabled = config.enabledMetadata ? compileMetadataMatch(config.enabledMetadata) : () => true;
  const count = (what: string): void => services.stats.counter(`ext_authz.${config.statPrefix}${what}`).add(1);
  const decide = (answer: CheckAnswer): boolean => {
    if (answer.kind !== 'error') {
      count(answer.kind);
      return answer.kind === 'ok';
    }
    count('error');
    if (config.failureModeAllow) count('failure_mode_allowed');
    return config.failureModeAllow;
  };
  return {
    onConnection(connection, next) {
      if (!enabled(connection.dynamicMetadata ?? NO_METADATA)) {
        count('disabled');
        next();
        return;
      }
      count('total');
      ask(connection, (done) => callGrpc(services, config.grpc, CHECK_METHOD, question(config, connection), (message) => done(decide(message ? decodeCheckAnswer(message) : { kind: 'error' }))), next);
    },
  };
}

/** Holds the connection while it is asked about; one that closes meanwhile is forgotten. */
function ask({ socket }: NetworkConnection, start: (done: (allowed: boolean) => void) => () => void, next: () => void): void {
  let over = false;
  let cancel = (): void => undefined;
  const leave = (): void => {
    over = true;
    cancel();
  };
  socket.pause();
  socket.on('error', leave);
  socket.on('close', leave);
  cancel = start((allowed) => {
    if (over) return;
    over = true;
    socket.off('close', leave);
    if (!allowed) {
      socket.destroy();
      return;
    }
    // The next filter has put up its own before this one goes.
    next();
    socket.off('error', leave);
  });
}

function question({ includePeerCertificate, includeTlsSession }: NetworkExtAuthzConfig, { info }: NetworkConnection): Uint8Array {
  return encodeCheckQuestion({
    ...checkPeers(info, includePeerCertificate, ''),
    startTime: null, id: '', method: '', path: '', host: '', scheme: '', protocol: '', size: 0, headers: [], rawHeaders: false, body: null, bodyAsBytes: false, contextExtensions: {}, metadata: NO_METADATA,
    sni: includeTlsSession ? info.tls?.sni ?? '' : null,
  });
}
