// BackendTLSPolicies: which ports of which Services gateways speak TLS to, whom they trust there, and which policies lose.
import type { BackendTLSPolicy } from '../../shared/api/gateway-api/backend-tls-policy.ts';
import type { BackendTlsRecord } from '../model/gateway-api-configuration.ts';
import type { KubernetesService } from '../model/inputs.ts';
import { byAge } from './ages.ts';
import type { GatewayApiResources } from './binding-types.ts';
import type { Fault } from './conditions.ts';

/** A policy and what was found about it. */
export interface BoundPolicy {
  readonly policy: BackendTLSPolicy;
  /** `namespace/name` of the Services that it targets. */
  readonly services: readonly string[];
  readonly refused: Fault | undefined;
  readonly unresolved: Fault | undefined;
}

/** All policies, and what follows for gateways. */
export interface BackendTls {
  readonly policies: readonly BoundPolicy[];
  readonly records: readonly BackendTlsRecord[];
  /** `host:port` of backends whose policy gives nothing to trust. */
  readonly unusable: ReadonlySet<string>;
}

interface Target {
  /** `namespace/name`. */
  readonly service: string;
  /** Name of the port; empty for all. */
  readonly sectionName: string;
}

/** What holds for one port of a service. */
interface Claim {
  readonly wholeService: boolean;
  /** Undefined: TLS is asked for and nothing can be trusted. */
  readonly record: BackendTlsRecord | undefined;
}

/** Policies decided, oldest first. */
export function bindBackendTls(resources: GatewayApiResources): BackendTls {
  const services = new Map(resources.services.map((service) => [`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`, service]));
  const winners = new Map<string, BackendTLSPolicy>();
  const claims = new Map<string, Claim>();
  const policies = [...resources.backendTlsPolicies].sort(byAge).map((policy): BoundPolicy => {
    const targets = targetsOf(policy);
    const rival = targets.map((target) => winners.get(targetKey(target))).find((other) => other !== undefined);
    const { trust, refused, unresolved } = trustOf(resources, policy);
    const findings = { policy, services: targets.map(({ service }) => service), unresolved };
    if (rival) return { ...findings, refused: { reason: 'Conflicted', message: `The older policy ${rival.metadata.name} has the same target.` } };
    for (const target of targets) {
      winners.set(targetKey(target), policy);
      claimPorts(claims, target, services.get(target.service), resources.domain, (host, port) => trust && recordOf(policy, host, port, trust));
    }
    return { ...findings, refused };
  });
  return {
    policies,
    records: [...claims.values()].flatMap(({ record }) => (record ? [record] : [])),
    unusable: new Set([...claims].filter(([, { record }]) => record === undefined).map(([key]) => key)),
  };
}

function targetsOf({ metadata, spec }: BackendTLSPolicy): readonly Target[] {
  return (spec.targetRefs ?? []).filter(({ group, kind }) => group === '' && kind === 'Service').map(({ name, sectionName }) => ({ service: `${metadata.namespace ?? ''}/${name}`, sectionName: sectionName ?? '' }));
}

function targetKey({ service, sectionName }: Target): string {
  return `${service}#${sectionName}`;
}

/** Claims the ports of a target; what names the port is stronger than what is for the whole service. */
function claimPorts(claims: Map<string, Claim>, { sectionName }: Target, service: KubernetesService | undefined, domain: string, make: (host: string, port: number) => BackendTlsRecord | undefined): void {
  const host = `${service?.metadata?.name ?? ''}.${service?.metadata?.namespace ?? ''}.svc.${domain}`;
  const wholeService = sectionName === '';
  for (const { name, port } of service?.spec?.ports ?? []) {
    if (!wholeService && name !== sectionName) continue;
    const key = `${host}:${port}`;
    const present = claims.get(key);
    if (!present || (present.wholeService && !wholeService)) claims.set(key, { wholeService, record: make(host, port) });
  }
}

interface Trust {
  readonly trust: BackendTlsRecord['trust'] | undefined;
  readonly refused: Fault | undefined;
  readonly unresolved: Fault | undefined;
}

/** Whom a policy trusts. */
function trustOf(resources: GatewayApiResources, { metadata, spec: { validation } }: BackendTLSPolicy): Trust {
  const known = validation.wellKnownCACertificates;
  if (known === 'System') return { trust: 'system', refused: undefined, unresolved: undefined };
  if (known) return { trust: undefined, refused: { reason: 'Invalid', message: `The value ${known} of wellKnownCACertificates is not supported. Use System.` }, unresolved: undefined };
  const bundles: string[] = [];
  let unresolved: Fault | undefined;
  for (const { group, kind, name } of validation.caCertificateRefs ?? []) {
    const key = `${metadata.namespace ?? ''}/${name}`;
    const supported = group === '' && kind === 'ConfigMap';
    const pem = supported ? resources.configMaps.get(key)?.caCertificates : undefined;
    if (pem !== undefined) bundles.push(pem);
    else unresolved ??= supported ? { reason: 'InvalidCACertificateRef', message: `The ConfigMap ${key} does not exist or has no certificate in ca.crt.` } : { reason: 'InvalidKind', message: `Authorities are read from a ConfigMap, not from ${kind} ${key}.` };
  }
  if (bundles.length > 0) return { trust: { pem: bundles.join('\n') }, refused: undefined, unresolved };
  const message = unresolved?.message ?? 'Neither caCertificateRefs nor wellKnownCACertificates is set.';
  return { trust: undefined, refused: { reason: 'NoValidCACertificate', message: `No certificate authority can be used: ${message}` }, unresolved: unresolved ?? { reason: 'InvalidCACertificateRef', message } };
}

function recordOf({ metadata, spec: { validation } }: BackendTLSPolicy, host: string, port: number, trust: BackendTlsRecord['trust']): BackendTlsRecord {
  const names = (validation.subjectAltNames ?? []).flatMap(({ type, hostname, uri }): BackendTlsRecord['subjectAltNames'] => (type === 'URI' && uri ? [{ type: 'uri' as const, value: uri }] : type === 'Hostname' && hostname ? [{ type: 'dns' as const, value: hostname }] : []));
  return {
    policy: `${metadata.namespace ?? ''}/${metadata.name}`,
    host,
    port,
    serverName: validation.hostname,
    trust,
    subjectAltNames: names.length > 0 ? names : [{ type: 'dns', value: validation.hostname }],
  };
}
