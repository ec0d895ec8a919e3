// Which security and telemetry objects apply to a workload: mesh-wide in the root namespace, then namespace, then selector; or by reference to a Gateway of the Gateway API.
import { GATEWAY_NAME_LABEL } from './gateway-api-names.ts';
import type { ConfigRecord, MeshSnapshot, PeerAuthenticationRecord, TelemetryRecord } from './snapshot.ts';

/** Mutual TLS mode in force on a port. */
export type MutualTlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** A workload as far as selection needs it. */
export interface SelectedWorkload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Mutual TLS modes of one workload. */
export interface WorkloadMutualTls {
  readonly mode: MutualTlsMode;
  readonly ports: ReadonlyMap<number, MutualTlsMode>;
}

/** Whether every label of `selector` is among `labels`; no selector selects all. */
export function selects(selector: Readonly<Record<string, string>> | undefined, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}

interface TargetReference { readonly group?: string | undefined; readonly kind: string; readonly name: string; readonly namespace?: string | undefined }

interface PolicySpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined;
  readonly targetRef?: TargetReference | undefined;
  readonly targetRefs?: readonly TargetReference[] | undefined;
}

function hasSelector(record: ConfigRecord<PolicySpec>): boolean {
  return Object.keys(record.spec.selector?.matchLabels ?? {}).length > 0;
}

function targetsOf({ targetRef, targetRefs }: PolicySpec): readonly TargetReference[] {
  if (targetRefs?.length) return targetRefs;
  return targetRef ? [targetRef] : [];
}

/** Whether a policy names the Gateway whose workload this is. Services and GatewayClasses are for waypoints, which no proxy here is; a reference to another namespace counts for nothing. */
function namesGatewayOf({ namespace, spec }: ConfigRecord<PolicySpec>, workload: SelectedWorkload): boolean {
  const gateway = workload.labels[GATEWAY_NAME_LABEL];
  if (gateway === undefined || namespace !== workload.namespace) return false;
  return targetsOf(spec).some((target) => target.group === 'gateway.networking.k8s.io' && target.kind === 'Gateway' && target.name === gateway && (target.namespace ?? namespace) === namespace);
}

/** Whether a policy applies to a workload of its own namespace or, for one of the root namespace, of any: by the Gateway it names, else by selector. */
function attaches(record: ConfigRecord<PolicySpec>, workload: SelectedWorkload): boolean {
  return targetsOf(record.spec).length > 0 ? namesGatewayOf(record, workload) : selects(record.spec.selector?.matchLabels, workload.labels);
}

/** The policies of `records` that apply to a workload: of the root namespace and of its own, by selector or by the Gateway that they name. */
export function policiesFor<R extends ConfigRecord<PolicySpec>>(records: readonly R[], rootNamespace: string, workload: SelectedWorkload): readonly R[] {
  return records.filter((record) => (record.namespace === rootNamespace || record.namespace === workload.namespace) && attaches(record, workload));
}

/** Mutual TLS of a workload: the oldest object a scope; UNSET inherits; PERMISSIVE when nobody says. */
export function mutualTlsFor(snapshot: Pick<MeshSnapshot, 'peerAuthentications' | 'rootNamespace'>, workload: SelectedWorkload): WorkloadMutualTls {
  const records = snapshot.peerAuthentications;
  const mesh = records.find((record) => record.namespace === snapshot.rootNamespace && !hasSelector(record));
  const namespace = records.find((record) => record.namespace === workload.namespace && record.namespace !== snapshot.rootNamespace && !hasSelector(record));
  const own = records.find((record) => record.namespace === workload.namespace && hasSelector(record) && selects(record.spec.selector?.matchLabels, workload.labels));
  const mode = modeOf(own) ?? modeOf(namespace) ?? modeOf(mesh) ?? 'PERMISSIVE';
  const ports = new Map<number, MutualTlsMode>();
  for (const [port, { mode: portMode }] of Object.entries(own?.spec.portLevelMtls ?? {})) ports.set(Number(port), !portMode || portMode === 'UNSET' ? mode : portMode);
  return { mode, ports };
}

function modeOf(record: PeerAuthenticationRecord | undefined): MutualTlsMode | undefined {
  const mode = record?.spec.mtls?.mode;
  return mode === undefined || mode === 'UNSET' ? undefined : mode;
}

/** The telemetry objects in force for a workload, widest scope first. */
export function telemetriesFor(snapshot: Pick<MeshSnapshot, 'telemetries' | 'rootNamespace'>, workload: SelectedWorkload): readonly TelemetryRecord[] {
  const { telemetries, rootNamespace } = snapshot;
  const isWide = (record: TelemetryRecord): boolean => !hasSelector(record) && targetsOf(record.spec).length === 0;
  const root = telemetries.find((record) => record.namespace === rootNamespace && isWide(record));
  const namespace = telemetries.find((record) => record.namespace === workload.namespace && record.namespace !== rootNamespace && isWide(record));
  const own = telemetries.find((record) => record.namespace === workload.namespace && !isWide(record) && attaches(record, workload));
  return [root, namespace, own].filter((record) => record !== undefined);
}
