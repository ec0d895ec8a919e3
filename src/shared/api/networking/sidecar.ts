// Sidecar (networking.istio.io): what a workload's proxy sees of the mesh, and where it listens.
import { z } from 'zod';
import { istioObject, workloadSelector } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';
import { ConnectionPoolSettings } from './destination-rule.ts';
import { ServerTlsSettings } from './gateway.ts';
import { Destination } from './virtual-service.ts';

const sidecarPort = z.object({ number: z.number().int(), protocol: z.string().optional(), name: z.string().optional(), targetPort: z.number().int().optional() });
const captureMode = z.enum(['DEFAULT', 'IPTABLES', 'NONE']);

/** A Sidecar object. */
export const Sidecar = istioObject('Sidecar', z.object({
  workloadSelector: workloadSelector.optional(),
  ingress: z.array(z.object({
    port: sidecarPort,
    bind: z.string().optional(),
    captureMode: captureMode.optional(),
    defaultEndpoint: z.string().optional(),
    tls: ServerTlsSettings.optional(),
    connectionPool: ConnectionPoolSettings.optional(),
  })).optional(),
  egress: z.array(z.object({ port: sidecarPort.optional(), bind: z.string().optional(), captureMode: captureMode.optional(), hosts: z.array(z.string()) })).optional(),
  inboundConnectionPool: ConnectionPoolSettings.optional(),
  outboundTrafficPolicy: z.object({ mode: z.enum(['REGISTRY_ONLY', 'ALLOW_ANY']).optional(), egressProxy: Destination.optional() }).optional(),
}));
export type Sidecar = z.infer<typeof Sidecar>;

/** The kind's names. */
export const SidecarType = {
  group: 'networking.istio.io', version: 'v1', kind: 'Sidecar', plural: 'sidecars', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: [],
} as const satisfies ResourceType<Sidecar> & { servedVersions: readonly string[]; shortNames: readonly string[] };
