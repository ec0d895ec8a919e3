// Which security and telemetry objects apply to a workload: mesh-wide in the root namespace, then namespace, then selector.
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

type PolicySpec = { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined };

function hasSelector(record: ConfigRecord<PolicySpec>): boolean {
  return Object.keys(record.spec.selector?.matchLabels ?? {}).length > 0;
}

/** The policies of `records` that apply to a workload: of the root namespace and of its own, by selector. */
export function policiesFor<R extends ConfigRecord<PolicySpec>>(records: readonly R[], rootNamespace: string, workload: SelectedWorkload): readonly R[] {
  return records.filter((record) => (record.namespace === rootNamespace || record.namespace === workload.namespace) && selects(record.spec.selector?.matchLabels, workload.labels));
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
  const root = telemetries.find((record) => record.namespace === rootNamespace && !hasSelector(record));
  const namespace = telemetries.find((record) => record.namespace === workload.namespace && record.namespace !== rootNamespace && !hasSelector(record));
  const own = telemetries.find((record) => record.namespace === workload.namespace && hasSelector(record) && selects(record.spec.selector?.matchLabels, workload.labels));
  return [root, namespace, own].filter((record) => record !== undefined);
}
