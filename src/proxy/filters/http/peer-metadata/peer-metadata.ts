// Exchange of workload metadata on HTTP: the headers x-envoy-peer-metadata and -id, read from the peer and written to it (istio peer_metadata filter).
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { decodePeerMetadata, encodePeerMetadata } from '../../../stream/peer-metadata-codec.ts';
import type { PeerMetadata } from '../../../stream/stream-info.ts';
import type { FilterServices } from '../../services.ts';
import type { HttpFilterInstance, StreamCallbacks } from '../api.ts';

const METADATA = 'x-envoy-peer-metadata';
const IDENTITY = 'x-envoy-peer-metadata-id';
const MAXIMUM_KNOWN = 500;

type Config = Extract<HttpFilterConfig, { kind: 'peer_metadata' }>;

interface Exchange { readonly config: Config; readonly encoded: string; readonly nodeId: string; readonly known: Map<string, PeerMetadata> }

/** Makes the filter. */
export function peerMetadataFilter(config: Config, services: FilterServices): HttpFilterInstance {
  const exchange: Exchange = { config, encoded: encodePeerMetadata(services.localWorkload).toString('base64'), nodeId: services.localNodeId, known: new Map() };
  return (callbacks) => new PeerMetadataFilter(exchange, callbacks);
}

class PeerMetadataFilter implements HttpFilter {
  readonly #exchange: Exchange;
  readonly #callbacks: StreamCallbacks;
  #asked = false;

  constructor(exchange: Exchange, callbacks: StreamCallbacks) {
    this.#exchange = exchange;
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: RequestHeaders): FilterStatus {
    const { config } = this.#exchange;
    this.#asked = headers.has(METADATA) || headers.has(IDENTITY);
    if (config.discoverDownstream) this.#callbacks.info.downstreamPeer = read(headers, this.#exchange.known);
    // What the client said of itself is not passed on as ours.
    headers.remove(METADATA);
    headers.remove(IDENTITY);
    if (config.propagateUpstream) write(headers, this.#exchange);
    return 'continue';
  }

  encodeHeaders(headers: ResponseHeaders): void {
    const { config } = this.#exchange;
    if (config.discoverUpstream) this.#callbacks.info.upstreamPeer = read(headers, this.#exchange.known);
    headers.remove(METADATA);
    headers.remove(IDENTITY);
    if (config.propagateDownstream && this.#asked) write(headers, this.#exchange);
  }
}

function write(headers: HeaderMap, { encoded, nodeId }: Exchange): void {
  headers.set(METADATA, encoded);
  headers.set(IDENTITY, nodeId);
}

function read(headers: HeaderMap, known: Map<string, PeerMetadata>): PeerMetadata | null {
  const text = headers.get(METADATA);
  if (text === undefined || text.length > 8192) return null;
  const before = known.get(text);
  if (before) return before;
  const peer = decodePeerMetadata(Buffer.from(text, 'base64'));
  if (!peer) return null;
  if (known.size >= MAXIMUM_KNOWN) known.clear();
  known.set(text, peer);
  return peer;
}
