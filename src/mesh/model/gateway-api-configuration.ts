// What the Gateway API says, in the mesh's own terms: Gateways and VirtualServices with the few fields that users of Istio's
// kinds do not have, and how gateways speak TLS to backends. Made by mesh/gateway-api, carried by the snapshot, read by translation.
import type { Gateway, Server, ServerTlsSettings } from '../../shared/api/networking/gateway.ts';
import type { HttpMatchRequest, HttpRedirect, HttpRoute, VirtualService } from '../../shared/api/networking/virtual-service.ts';
import type { ConfigRecord } from './config-record.ts';

/** A match whose path prefix ends at an element: `/foo` covers `/foo/bar` and not `/foobar`. */
export type ModelHttpMatch = HttpMatchRequest & { readonly wholeElements?: true };

/** A redirect that may also replace by pattern. */
export type ModelHttpRedirect = HttpRedirect & { readonly regexRewrite?: { readonly match: string; readonly rewrite: string } };

/** An HTTP route and what only the Gateway API can say. */
export type ModelHttpRoute = Omit<HttpRoute, 'match' | 'redirect'> & {
  readonly match?: readonly ModelHttpMatch[] | undefined;
  readonly redirect?: ModelHttpRedirect | undefined;
  /** From the Gateway API: no retries unless asked for, and 500 for backends that do not exist. */
  readonly gatewayApi?: {
    /** API path of the route object, for `explain`. */
    readonly source: string;
    /** What a request meets whose backend does not exist. */
    readonly missingBackendStatus: 500 | 503;
    /** Limit of each try. */
    readonly tryTimeout?: string;
  };
};

/** A VirtualService's spec, maybe made from routes of the Gateway API. */
export type ModelVirtualService = Omit<VirtualService['spec'], 'http'> & {
  readonly http?: readonly ModelHttpRoute[] | undefined;
  /** Made from the Gateway API: for a gateway, a host without routes answers 404; for a mesh, `consumer` comes before what the service's own namespace says. */
  readonly gatewayApi?: 'listener' | 'producer' | 'consumer';
};

/** TLS of a server, with trust given as text. */
export type ModelServerTls = ServerTlsSettings & { readonly clientCa?: { readonly pem: string; readonly required: boolean } };

/** A server of a Gateway, maybe made from a listener. */
export type ModelServer = Omit<Server, 'tls'> & {
  readonly tls?: ModelServerTls | undefined;
  /** Hosts that other listeners of the port serve: requests for them on this one's connections are answered with 421. */
  readonly misdirected?: readonly string[];
};

/** A Gateway's spec, maybe made from a listener of the Gateway API. */
export type ModelGateway = Omit<Gateway['spec'], 'servers'> & {
  readonly servers?: readonly ModelServer[] | undefined;
  /** Only proxies in the Gateway's own namespace are selected. */
  readonly ownNamespace?: true;
};

/** How the proxies of a gateway speak TLS to one port of a service. */
export interface BackendTlsRecord {
  /** `namespace/name` of the BackendTLSPolicy. */
  readonly policy: string;
  /** Full host of the service. */
  readonly host: string;
  /** Port of the service. */
  readonly port: number;
  readonly serverName: string;
  /** PEM, or the platform's trust. */
  readonly trust: { readonly pem: string } | 'system';
  readonly subjectAltNames: readonly { readonly type: 'dns' | 'uri'; readonly value: string }[];
}

/** A certificate with which the proxies of a gateway show themselves to backends. */
export interface GatewayClientCertificate {
  readonly namespace: string;
  /** Name of the Gateway. */
  readonly gateway: string;
  /** `namespace/name` of the Secret. */
  readonly secret: string;
}

/** Secrets that the proxies of a gateway may have; they ask for them as `kubernetes-gateway://<namespace>/<name>`. */
export interface GatewaySecretGrant {
  readonly namespace: string;
  /** Name of the Gateway: its pods have the label `gateway.networking.k8s.io/gateway-name` with it. */
  readonly gateway: string;
  /** Service account of its proxies; undefined where the workload is not of our making. */
  readonly serviceAccount: string | undefined;
  /** `namespace/name` of each Secret, sorted. */
  readonly secrets: readonly string[];
}

/** What the Gateway API adds to a snapshot. */
export interface GatewayApiConfiguration {
  readonly gateways: readonly ConfigRecord<ModelGateway>[];
  readonly virtualServices: readonly ConfigRecord<ModelVirtualService>[];
  readonly backendTls: readonly BackendTlsRecord[];
  readonly clientCertificates: readonly GatewayClientCertificate[];
  readonly secretGrants: readonly GatewaySecretGrant[];
  /** `host:port` of backends of GRPCRoutes: gateways speak HTTP/2 to them also where the port says nothing of its protocol. */
  readonly grpcBackends: readonly string[];
}
