// The Table columns of built-in kinds between Name and Age.
import type { KubeObject } from '../store/index.ts';
import { age, shortDuration } from './ages.ts';
import { metricTargets } from './metric-targets.ts';

/** One column of a Table. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** Columns above 0 are only shown with `-o wide`. */
  readonly priority?: number;
  readonly cell: (object: KubeObject) => unknown;
}

/* eslint-disable @typescript-eslint/no-explicit-any -- cells read schemaless objects */
type Any = Record<string, any>;

function text(name: string, cell: (object: KubeObject) => unknown, priority = 0): Column {
  return { name, type: 'string', priority, cell };
}

function count(name: string, cell: (object: KubeObject) => number | undefined, type = 'integer'): Column {
  return { name, type, cell: (object) => cell(object) ?? 0 };
}

const none = (value: unknown): string => (value === undefined || value === null || value === '' ? '<none>' : String(value));
const selector = (labels: Record<string, string> | undefined): string => none(Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).join(','));
const containers = (object: KubeObject): Any[] => object.spec?.template?.spec?.containers ?? [];
const keys = (value: object | undefined): number => Object.keys(value ?? {}).length;

const TEMPLATE_COLUMNS: readonly Column[] = [
  text('Containers', (object) => containers(object).map((container) => String(container['name'])).join(','), 1),
  text('Images', (object) => containers(object).map((container) => String(container['image'])).join(','), 1),
  text('Selector', (object) => selector(object.spec?.selector?.matchLabels), 1),
];

function isNativeSidecar(container: Any | undefined): boolean {
  return container?.['restartPolicy'] === 'Always';
}

/** Who has written an event, and where. */
function eventSource(event: KubeObject): string {
  const { component, host } = (event['source'] ?? {}) as { component?: string; host?: string };
  const parts = component ? [component, host] : [event['reportingComponent'], event['reportingInstance']];
  return none(parts.filter(Boolean).join(', '));
}

/** The word that kubectl shows for a pod's state. */
function podStatus(pod: KubeObject): string {
  const { status = {}, spec = {}, metadata } = pod;
  const initSpecs = new Map<string, Any>((spec.initContainers ?? []).map((container: Any) => [container['name'], container]));
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const initializing = initReason(status.initContainerStatuses ?? [], initSpecs, (spec.initContainers ?? []).length);
  if (initializing !== undefined) return initializing;
  return containersReason([...(status.containerStatuses ?? [])].reverse(), status.reason ?? status.phase ?? 'Unknown');
}

/** The first container that waits or has ended says why; a pod of which one still runs is running. */
function containersReason(statuses: readonly Any[], fallback: string): string {
  let reason = fallback;
  let running = false;
  for (const container of statuses) {
    const { waiting, terminated } = container['state'] ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) reason = terminated.reason ?? `ExitCode:${String(terminated.exitCode)}`;
    else if (container['ready'] && container['state']?.running) running = true;
  }
  return reason === 'Completed' && running ? 'Running' : reason;
}

function initReason(statuses: readonly Any[], specs: ReadonlyMap<string, Any>, total: number): string | undefined {
  for (const [index, container] of statuses.entries()) {
    const { waiting, terminated } = container['state'] ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isNativeSidecar(specs.get(container['name'])) && container['started']) continue;
    if (terminated) return `Init:${terminated.reason ?? `ExitCode:${String(terminated.exitCode)}`}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${String(waiting.reason)}`;
    return `Init:${String(index)}/${String(total)}`;
  }
  return undefined;
}

function podContainers(pod: KubeObject): Any[] {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isNativeSidecar).map((container: Any) => container['name']));
  return [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? []).filter((status: Any) => sidecars.has(status['name']))];
}

function podReady(pod: KubeObject): string {
  const total = (pod.spec?.containers ?? []).length + (pod.spec?.initContainers ?? []).filter(isNativeSidecar).length;
  return `${String(podContainers(pod).filter((status) => status['ready']).length)}/${String(total)}`;
}

function podRestarts(pod: KubeObject): string {
  const statuses = podContainers(pod);
  const restarts = statuses.reduce((sum, status) => sum + Number(status['restartCount'] ?? 0), 0);
  const last = statuses.map((status) => status['lastState']?.terminated?.finishedAt as string | undefined).filter((time) => time !== undefined).sort().at(-1);
  return restarts > 0 && last !== undefined ? `${String(restarts)} (${age(last)} ago)` : String(restarts);
}

function externalAddress(service: KubeObject): string {
  const { spec = {}, status = {} } = service;
  if (spec.type === 'ExternalName') return none(spec.externalName);
  if (spec.type !== 'LoadBalancer') return none((spec.externalIPs ?? []).join(','));
  return (status.loadBalancer?.ingress ?? []).map((entry: Any) => entry['ip'] ?? entry['hostname']).join(',') || '<pending>';
}

function servicePorts(service: KubeObject): string {
  return none((service.spec?.ports ?? []).map((port: Any) => `${String(port['port'])}${port['nodePort'] ? `:${String(port['nodePort'])}` : ''}/${String(port['protocol'])}`).join(','));
}

function condition(object: KubeObject, type: string): string | undefined {
  return (object.status?.conditions ?? []).find((candidate: Any) => candidate['type'] === type)?.status;
}

function nodeRoles(node: KubeObject): string {
  return none(Object.keys(node.metadata.labels ?? {}).filter((key) => key.startsWith('node-role.kubernetes.io/')).map((key) => key.slice(24)).join(','));
}

function address(node: KubeObject, type: string): string {
  return none((node.status?.addresses ?? []).find((entry: Any) => entry['type'] === type)?.address);
}

function jobStatus(job: KubeObject): string {
  if (condition(job, 'Complete') === 'True') return 'Complete';
  if (condition(job, 'Failed') === 'True') return 'Failed';
  return condition(job, 'Suspended') === 'True' ? 'Suspended' : 'Running';
}

/** A CronJob's template is one level further down. */
const JOB_COLUMNS: readonly Column[] = TEMPLATE_COLUMNS.map((column) => ({ ...column, cell: (object) => column.cell({ ...object, spec: object.spec?.jobTemplate?.spec }) }));
const CREATED: Column = { name: 'Created At', type: 'date', cell: (object) => object.metadata.creationTimestamp };
const subjects = (object: KubeObject, kind: string): string => ((object['subjects'] ?? []) as Any[]).filter((subject) => subject['kind'] === kind).map((subject) => (kind === 'ServiceAccount' ? `${String(subject['namespace'])}/${String(subject['name'])}` : String(subject['name']))).join(', ');
const BINDING_COLUMNS: readonly Column[] = [
  text('Role', (object) => `${String(object['roleRef']?.kind)}/${String(object['roleRef']?.name)}`), text('Users', (object) => subjects(object, 'User'), 1), text('Groups', (object) => subjects(object, 'Group'), 1), text('ServiceAccounts', (object) => subjects(object, 'ServiceAccount'), 1),
];
const amounts = (quota: KubeObject, prefix: boolean): string => Object.entries((quota.status?.hard ?? {}) as Record<string, string>).filter(([name]) => name.startsWith('limits.') === prefix).map(([name, hard]) => `${name}: ${String(quota.status?.used?.[name] ?? 0)}/${hard}`).join(', ');
const accessModes = (modes: string[] | undefined): string => (modes ?? []).map((mode) => mode.replace(/[a-z]/g, '')).join(',');
const webhookCount: readonly Column[] = [count('Webhooks', (object) => (object['webhooks'] ?? []).length)];

/** Columns by store key; resources that are not here have only Name and Age. */
export const BUILT_IN_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  '/pods': [
    text('Ready', podReady), text('Status', podStatus), text('Restarts', podRestarts),
    text('IP', (pod) => none(pod.status?.podIP), 1), text('Node', (pod) => none(pod.spec?.nodeName), 1),
    text('Nominated Node', (pod) => none(pod.status?.nominatedNodeName), 1), text('Readiness Gates', () => '<none>', 1),
  ],
  '/services': [
    text('Type', (service) => service.spec?.type), text('Cluster-IP', (service) => none(service.spec?.clusterIP)), text('External-IP', externalAddress),
    text('Port(s)', servicePorts), text('Selector', (service) => selector(service.spec?.selector), 1),
  ],
  '/namespaces': [text('Status', (namespace) => namespace.status?.phase)],
  '/nodes': [
    text('Status', (node) => `${condition(node, 'Ready') === 'True' ? 'Ready' : 'NotReady'}${node.spec?.unschedulable ? ',SchedulingDisabled' : ''}`), text('Roles', nodeRoles),
    text('Version', (node) => node.status?.nodeInfo?.kubeletVersion), text('Internal-IP', (node) => address(node, 'InternalIP'), 1), text('External-IP', (node) => address(node, 'ExternalIP'), 1),
    text('OS-Image', (node) => none(node.status?.nodeInfo?.osImage), 1), text('Kernel-Version', (node) => none(node.status?.nodeInfo?.kernelVersion), 1), text('Container-Runtime', (node) => none(node.status?.nodeInfo?.containerRuntimeVersion), 1),
  ],
  '/events': [
    text('Last Seen', (event) => age(event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp)), text('Type', (event) => event['type']), text('Reason', (event) => event['reason']),
    text('Object', (event) => `${String(event['involvedObject']?.kind ?? '').toLowerCase()}/${String(event['involvedObject']?.name ?? '')}`), text('Subobject', (event) => event['involvedObject']?.fieldPath ?? '', 1), text('Source', eventSource, 1), text('Message', (event) => event['message']),
    text('First Seen', (event) => age(event['firstTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp), 1), { ...count('Count', (event) => event['series']?.count ?? event['count'] ?? 1, 'string'), priority: 1 }, { ...text('Name', (event) => event.metadata.name, 1), format: 'name' },
  ],
  '/configmaps': [count('Data', (object) => keys(object['data']) + keys(object['binaryData']), 'string')],
  '/secrets': [text('Type', (object) => object['type']), count('Data', (object) => keys(object['data']), 'string')],
  '/endpoints': [text('Endpoints', (object) => none((object['subsets'] ?? []).flatMap((subset: Any) => (subset['addresses'] ?? []).flatMap((entry: Any) => (subset['ports'] ?? []).map((port: Any) => `${String(entry['ip'])}:${String(port['port'])}`))).join(',')))],
  'discovery.k8s.io/endpointslices': [
    text('AddressType', (slice) => slice['addressType']), text('Ports', (slice) => ((slice['ports'] ?? []) as Any[]).map((port) => String(port['port'])).join(',') || '<unset>'),
    text('Endpoints', (slice) => ((slice['endpoints'] ?? []) as Any[]).flatMap((endpoint) => endpoint['addresses'] as string[]).join(',') || '<unset>'),
  ],
  'apps/deployments': [
    text('Ready', ({ spec, status }) => `${String(status?.readyReplicas ?? 0)}/${String(spec?.replicas ?? 1)}`), count('Up-to-date', ({ status }) => status?.updatedReplicas, 'string'), count('Available', ({ status }) => status?.availableReplicas, 'string'), ...TEMPLATE_COLUMNS,
  ],
  'apps/replicasets': [count('Desired', ({ spec }) => spec?.replicas), count('Current', ({ status }) => status?.replicas), count('Ready', ({ status }) => status?.readyReplicas), ...TEMPLATE_COLUMNS],
  'apps/daemonsets': [
    count('Desired', ({ status }) => status?.desiredNumberScheduled), count('Current', ({ status }) => status?.currentNumberScheduled), count('Ready', ({ status }) => status?.numberReady),
    count('Up-to-date', ({ status }) => status?.updatedNumberScheduled), count('Available', ({ status }) => status?.numberAvailable), text('Node Selector', ({ spec }) => selector(spec?.template?.spec?.nodeSelector)), ...TEMPLATE_COLUMNS,
  ],
  'apps/statefulsets': [text('Ready', ({ spec, status }) => `${String(status?.readyReplicas ?? 0)}/${String(spec?.replicas ?? 1)}`), ...TEMPLATE_COLUMNS.slice(0, 2)],
  'batch/jobs': [
    text('Status', jobStatus), text('Completions', ({ spec, status }) => `${String(status?.succeeded ?? 0)}/${String(spec?.completions ?? 1)}`),
    text('Duration', ({ status }) => (status?.startTime ? shortDuration(((status.completionTime ? Date.parse(status.completionTime) : Date.now()) - Date.parse(status.startTime)) / 1000) : '')), ...TEMPLATE_COLUMNS,
  ],
  'batch/cronjobs': [text('Schedule', ({ spec }) => spec?.schedule), text('Timezone', ({ spec }) => none(spec?.timeZone)), { ...text('Suspend', ({ spec }) => (spec?.suspend ? 'True' : 'False')), type: 'boolean' }, count('Active', ({ status }) => (status?.active ?? []).length), text('Last Schedule', ({ status }) => (status?.lastScheduleTime ? age(status.lastScheduleTime) : '<none>')), ...JOB_COLUMNS],
  'autoscaling/horizontalpodautoscalers': [
    text('Reference', ({ spec }) => `${String(spec?.scaleTargetRef?.kind)}/${String(spec?.scaleTargetRef?.name)}`), text('Targets', metricTargets), text('MinPods', ({ spec }) => String(spec?.minReplicas ?? 1)),
    count('MaxPods', ({ spec }) => spec?.maxReplicas, 'string'), count('Replicas', ({ status }) => status?.currentReplicas, 'string'),
  ],
  'policy/poddisruptionbudgets': [text('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')), text('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')), count('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed)],
  'networking.k8s.io/networkpolicies': [text('Pod-Selector', ({ spec }) => selector(spec?.podSelector?.matchLabels))],
  'networking.k8s.io/ingresses': [
    text('Class', ({ spec }) => none(spec?.ingressClassName)), text('Hosts', ({ spec }) => (spec?.rules ?? []).map((rule: Any) => rule['host'] ?? '*').join(',') || '*'),
    text('Address', ({ status }) => (status?.loadBalancer?.ingress ?? []).map((entry: Any) => entry['ip'] ?? entry['hostname']).join(',')), text('Ports', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
  ],
  'rbac.authorization.k8s.io/roles': [CREATED],
  'rbac.authorization.k8s.io/clusterroles': [CREATED],
  'rbac.authorization.k8s.io/rolebindings': BINDING_COLUMNS,
  'rbac.authorization.k8s.io/clusterrolebindings': BINDING_COLUMNS,
  '/limitranges': [CREATED],
  '/resourcequotas': [text('Request', (quota) => amounts(quota, false)), text('Limit', (quota) => amounts(quota, true))],
  '/replicationcontrollers': [count('Desired', ({ spec }) => spec?.replicas), count('Current', ({ status }) => status?.replicas), count('Ready', ({ status }) => status?.readyReplicas), ...TEMPLATE_COLUMNS.slice(0, 2), text('Selector', ({ spec }) => selector(spec?.selector), 1)],
  '/persistentvolumeclaims': [
    text('Status', ({ status }) => status?.phase), text('Volume', ({ spec }) => spec?.volumeName ?? ''), text('Capacity', ({ status }) => status?.capacity?.storage ?? ''), text('Access Modes', ({ status }) => accessModes(status?.accessModes)), text('StorageClass', ({ spec }) => spec?.storageClassName ?? ''),
    text('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'), text('VolumeMode', ({ spec }) => spec?.volumeMode ?? '<unset>', 1),
  ],
  'apps/controllerrevisions': [text('Controller', ({ metadata }) => none((metadata.ownerReferences ?? []).map((owner) => `${owner.kind.toLowerCase()}.apps/${owner.name}`)[0])), text('Revision', (object) => String(object['revision'] ?? 0))],
  'scheduling.k8s.io/priorityclasses': [count('Value', (object) => object['value']), { ...text('Global-Default', (object) => object['globalDefault'] === true), type: 'boolean' }, text('PreemptionPolicy', (object) => object['preemptionPolicy'])],
  'storage.k8s.io/storageclasses': [text('Provisioner', (object) => object['provisioner']), text('ReclaimPolicy', (object) => object['reclaimPolicy']), text('VolumeBindingMode', (object) => object['volumeBindingMode']), text('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] ?? false)],
  'networking.k8s.io/ingressclasses': [text('Controller', ({ spec }) => spec?.controller), text('Parameters', ({ spec }) => (spec?.parameters ? `${String(spec.parameters.kind)}/${String(spec.parameters.name)}` : '<none>'))],
  'certificates.k8s.io/certificatesigningrequests': [
    text('SignerName', ({ spec }) => spec?.signerName), text('Requestor', ({ spec }) => spec?.username), text('RequestedDuration', ({ spec }) => (spec?.expirationSeconds ? shortDuration(spec.expirationSeconds) : '<none>')),
    text('Condition', ({ status }) => (status?.conditions ?? []).map((one: Any) => one['type']).join(',') || 'Pending'),
  ],
  'coordination.k8s.io/leases': [text('Holder', ({ spec }) => spec?.holderIdentity)],
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhookCount,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhookCount,
  'apiextensions.k8s.io/customresourcedefinitions': [CREATED],
};
