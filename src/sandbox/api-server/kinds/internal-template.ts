// A pod template as messages of kube-apiserver print it when they show it whole: the server's own type, which has other field names than the API,
// keeps host namespaces with the security context, and writes every field down, those without a value as null, false or empty.

/* eslint-disable @typescript-eslint/no-explicit-any -- pod specs are schemaless data here */
type Fields = Record<string, any>;

/** Fields by type in the order of the server's structs; `name:Type` for a struct, `name:[Type` for a list of these, a quoted or false zero value after `=`. */
const TYPES: Readonly<Record<string, string>> = {
  PodSpec: 'Volumes InitContainers:[Container Containers:[Container EphemeralContainers RestartPolicy="" TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy="" NodeSelector ServiceAccountName="" AutomountServiceAccountToken NodeName="" SecurityContext:PodSecurityContext ImagePullSecrets Hostname="" Subdomain="" SetHostnameAsFQDN Affinity SchedulerName="" Tolerations HostAliases PriorityClassName="" Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources HostnameOverride WorkloadRef',
  Container: 'Name="" Image="" Command Args WorkingDir="" Ports EnvFrom Env Resources:ResourceRequirements ResizePolicy RestartPolicy RestartPolicyRules VolumeMounts VolumeDevices LivenessProbe ReadinessProbe StartupProbe Lifecycle TerminationMessagePath="" TerminationMessagePolicy="" ImagePullPolicy="" SecurityContext Stdin=false StdinOnce=false TTY=false',
  ResourceRequirements: 'Limits Requests Claims',
  PodSecurityContext: 'HostNetwork=false HostPID=false HostIPC=false ShareProcessNamespace HostUsers SELinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy',
};
const HOST_FIELDS = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'];

/** The JSON of a template in that form. */
export function internalTemplateText({ metadata, spec }: Fields): string {
  const { labels, annotations, ...rest } = (metadata ?? {}) as Fields;
  const host = Object.fromEntries(HOST_FIELDS.map((name) => [name, spec?.[name]]));
  return JSON.stringify({ ...rest, ...(labels ? { labels: sortedMap(labels) } : {}), ...(annotations ? { annotations: sortedMap(annotations) } : {}), Spec: struct('PodSpec', { ...spec, securityContext: { ...spec?.securityContext, ...host } }) });
}

function struct(type: string, value: Fields): Fields {
  const byName = new Map(Object.entries(value).map(([name, child]) => [name.toLowerCase(), child as unknown]));
  return Object.fromEntries((TYPES[type] ?? '').split(' ').map((row) => {
    const [, name = '', isList, inner, zero] = /^(\w+)(?::(\[?)(\w+))?(?:=(.*))?$/.exec(row) ?? [];
    const child = byName.get(name.toLowerCase());
    if (inner !== undefined && isList === '') return [name, struct(inner, (child ?? {}) as Fields)];
    if (inner !== undefined && Array.isArray(child)) return [name, child.map((item) => struct(inner, item as Fields))];
    return [name, child === undefined || child === null ? JSON.parse(zero ?? 'null') : withGoNames(child)];
  }));
}

/** What has no row above: fields begin with a capital there. */
function withGoNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withGoNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [`${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`, withGoNames(child)]));
}

function sortedMap(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
