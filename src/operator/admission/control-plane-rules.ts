// Rules that a ServiceMeshControlPlane's spec must keep, with Maistra's messages, which are what clients know. Every broken rule is named at once.
import { controlPlaneSpecSchema, type ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'none'];
const DURATION = /^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$/;
const RESERVED = ['istio-ingressgateway', 'istio-egressgateway'];

/** What is wrong with a spec by itself. */
export function controlPlaneRuleViolations(spec: ControlPlaneSpec): string[] {
  const parsed = controlPlaneSpecSchema.safeParse(spec);
  const shape = parsed.success ? [] : parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`);
  if (shape.length > 0) return shape;
  return [...modeRules(spec), ...gatewayRules(spec), ...removedFeatures(spec), ...providerRules(spec), ...authorityRules(spec), ...otherRules(spec)];
}

function modeRules(spec: ControlPlaneSpec): string[] {
  if ((spec.meshConfig?.discoverySelectors ?? []).length > 0 && spec.mode !== 'ClusterWide') return ['spec.meshConfig.discoverySelectors may only be used when spec.mode is ClusterWide'];
  return [];
}

function gatewayRules({ gateways }: ControlPlaneSpec): string[] {
  const all = [...Object.entries(gateways?.additionalIngress ?? {}), ...Object.entries(gateways?.additionalEgress ?? {})];
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [name, gateway] of all) {
    const key = `${gateway.namespace ?? ''}/${name}`;
    if (seen.has(key)) problems.push(`multiple gateways defined for ${key}`);
    if (RESERVED.includes(name)) problems.push(`cannot define additional gateway named ${name}: the name is reserved`);
    seen.add(key);
  }
  return problems;
}

function removedFeatures(spec: ControlPlaneSpec): string[] {
  const problems: string[] = [];
  for (const section of ['policy', 'telemetry'] as const) {
    const value = spec[section] as { type?: string; mixer?: unknown; remote?: { address?: string } } | undefined;
    if (value?.type === 'Mixer' || value?.mixer !== undefined) problems.push(`support for ${section}.type Mixer has been removed in v2.1`);
    if (value?.type === 'Remote' && !value.remote?.address) problems.push(`${section}.remote.address must be specified when ${section}.type is Remote`);
    if (value?.type !== 'Remote' && value?.remote?.address) problems.push(`${section}.remote.address must not be specified unless ${section}.type is Remote`);
  }
  const threescale = (spec.addons as Record<string, { enabled?: boolean } | undefined> | undefined)?.['3scale'];
  if (threescale?.enabled) problems.push('support for 3scale has been removed in v2.1; remove the spec.addons.3scale section');
  return problems;
}

function providerRules(spec: ControlPlaneSpec): string[] {
  return (spec.meshConfig?.extensionProviders ?? []).flatMap((provider, index) => {
    const kinds = Object.keys(provider).filter((key) => key !== 'name');
    const where = `spec.meshConfig.extensionProviders[${index}]`;
    return [...(provider.name === '' ? [`${where}.name must not be empty`] : []), ...(kinds.length === 1 ? [] : [`${where} (${provider.name}) must have exactly one provider, found: ${kinds.join(', ') || 'none'}`])];
  });
}

/** Another authority would be believed to sign, while ours does: that is refused, not reported. */
function authorityRules({ security }: ControlPlaneSpec): string[] {
  const type = security?.certificateAuthority?.type ?? 'Istiod';
  if (type === 'Istiod') return [];
  return [`spec.security.certificateAuthority.type: '${type}' is not available in this version; use Istiod, with your own authority in the secret 'cacerts' of the mesh's namespace`];
}

function otherRules(spec: ControlPlaneSpec): string[] {
  const problems: string[] = [];
  for (const level of Object.values(spec.general?.logging?.componentLevels ?? {})) if (!LOG_LEVELS.includes(level)) problems.push(`istiod doesn't support '${level}' log level`);
  const timeout = spec.proxy?.networking?.protocol?.autoDetect?.timeout;
  if (timeout !== undefined && !DURATION.test(timeout)) problems.push(`spec.proxy.networking.protocol.autoDetect.timeout: '${timeout}' is not a duration such as 5s`);
  for (const profile of spec.profiles ?? []) if (profile.includes('/')) problems.push(`spec.profiles: the name '${profile}' must not contain a slash`);
  const upgrade = spec.techPreview?.['upgrade'] as { waveDeadlineSeconds?: unknown } | undefined;
  if (upgrade?.waveDeadlineSeconds !== undefined && !(Number(upgrade.waveDeadlineSeconds) > 0)) problems.push('spec.techPreview.upgrade.waveDeadlineSeconds must be a number above 0');
  return problems;
}
