// Envoy's secret discovery service over the agent's secrets: the workload's certificate and the mesh's roots, and files, each pushed when it
// changes. State of the world, as the control plane's resources ask for it. Keys go to the Envoy of this pod and nowhere else.
import { GrpcServer, protobufCodec, type GrpcMethod, type GrpcPeer, type MessageStream } from '../../shared/grpc/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { packAny, TYPE_URLS } from '../../shared/xds/index.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import { Secret } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import type { SecretConfig } from '../config/index.ts';
import type { SecretStore } from '../secrets/index.ts';
import { startOnPrivateSocket } from './private-socket.ts';

/** The service's one method that the control plane's resources lead to. */
export const STREAM_SECRETS: GrpcMethod<DiscoveryRequest, DiscoveryResponse> = {
  path: '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets', request: protobufCodec(DiscoveryRequest), response: protobufCodec(DiscoveryResponse),
};

/** How often files that could not be read are tried again. */
const RETRY_MILLISECONDS = 2000;
const log = createLogger('secret-service');

/** Serves `store` on a socket that only this process' user can reach; the folder is the caller's to protect. */
export function secretServer(store: SecretStore, socketPath: string): Pick<GrpcServer, 'name' | 'start' | 'stop'> {
  const server = new GrpcServer({ name: 'secret-service', port: 0, socketPath, stopTimeoutMilliseconds: 200 }).addStream(STREAM_SECRETS, (stream, peer) => serve(store, stream, peer));
  return { name: server.name, start: () => startOnPrivateSocket(server, socketPath), stop: () => server.stop() };
}

async function serve(store: SecretStore, stream: MessageStream<DiscoveryRequest, DiscoveryResponse>, peer: GrpcPeer): Promise<void> {
  let names: readonly string[] = [];
  let sent: readonly (SecretConfig | undefined)[] = [];
  let sequence = 0;
  const push = (): void => {
    const secrets = names.map((name) => store.get(name));
    if (secrets.every((secret) => secret === undefined) || secrets.every((secret, index) => secret === sent[index])) return;
    sent = secrets;
    sequence += 1;
    const resources = secrets.flatMap((secret, index) => (secret ? [secretResource(names[index] ?? '', secret)] : []));
    void stream.send({ typeUrl: TYPE_URLS.secret, versionInfo: String(sequence), nonce: String(sequence), resources }).catch(() => undefined); // the reader below sees the end of the stream
  };
  const stopListening = store.onChange((name) => {
    if (names.includes(name)) push();
  });
  const retry = setInterval(push, RETRY_MILLISECONDS);
  const release = (): void => {
    clearInterval(retry);
    stopListening();
  };
  peer.signal.addEventListener('abort', release, { once: true });
  try {
    for await (const request of stream) {
      if (request.errorDetail) log.error({ names, error: request.errorDetail.message }, 'Envoy refused a secret');
      const asked = request.resourceNames ?? [];
      if (asked.join('\n') !== names.join('\n')) {
        names = asked;
        sent = [];
      }
      push();
    }
  } finally {
    release();
  }
}

/** A secret in Envoy's form. */
export function secretResource(name: string, secret: SecretConfig): Any {
  const inline = (text: string): { specifier: { $case: 'inlineBytes'; inlineBytes: Uint8Array } } => ({ specifier: { $case: 'inlineBytes', inlineBytes: Buffer.from(text) } });
  return packAny('envoy.extensions.transport_sockets.tls.v3.Secret', Secret, secret.kind === 'certificate'
    ? { name, type: { $case: 'tlsCertificate', tlsCertificate: { certificateChain: inline(secret.certificateChainPem), privateKey: inline(secret.privateKeyPem) } } }
    : { name, type: { $case: 'validationContext', validationContext: { trustedCa: inline(secret.trustedCaPem) } } });
}
