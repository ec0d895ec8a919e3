// What policies may be aimed at: pods by selector, or Gateways of the Gateway API by reference. Used by the checks of all kinds that have both.
import { checkLabels, type Findings } from './networking/validation-rules.ts';

interface Target { readonly group?: string | undefined; readonly kind: string; readonly name: string; readonly namespace?: string | undefined }

/** The part of a policy that says what it is aimed at. */
export interface AimedPolicy {
  readonly metadata: { readonly namespace?: string | undefined };
  readonly spec: { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined; readonly targetRef?: Target | undefined; readonly targetRefs?: readonly Target[] | undefined };
}

const MAXIMUM_TARGETS = 16;
/** Kinds that mean a waypoint's traffic, by group. */
const WAYPOINT_KINDS = new Set(['/Service', 'core/Service', 'networking.istio.io/ServiceEntry', 'gateway.networking.k8s.io/GatewayClass']);

/** Checks the aim. A policy that `narrows` is refused when its target can not be; of any other its user is warned. */
export function checkPolicyTargets({ metadata, spec }: AimedPolicy, narrows: boolean, findings: Findings): void {
  const { selector, targetRef, targetRefs } = spec;
  if ([selector, targetRef, targetRefs?.length].filter(Boolean).length > 1) findings.error('spec', 'Only one of selector, targetRef and targetRefs can be given.');
  checkLabels(selector?.matchLabels, 'spec.selector.matchLabels', findings);
  if (targetRef) checkTarget(targetRef, 'spec.targetRef', metadata.namespace, narrows, findings);
  if ((targetRefs?.length ?? 0) > MAXIMUM_TARGETS) findings.error('spec.targetRefs', `More than ${MAXIMUM_TARGETS} targets are not allowed. Make another policy.`);
  targetRefs?.forEach((target, index) => checkTarget(target, `spec.targetRefs[${index}]`, metadata.namespace, narrows, findings));
}

function checkTarget({ group = '', kind, name, namespace }: Target, path: string, own: string | undefined, narrows: boolean, findings: Findings): void {
  if (name === '') findings.error(`${path}.name`, 'The target has no name.');
  if (namespace !== undefined && namespace !== '' && own !== undefined && namespace !== own) findings.error(`${path}.namespace`, 'A policy can only be aimed at its own namespace. Remove the field, or put the policy there.');
  if (group === 'gateway.networking.k8s.io' && kind === 'Gateway') return;
  if (!WAYPOINT_KINDS.has(`${group}/${kind}`)) {
    findings.error(path, `A policy can not be aimed at ${JSON.stringify(group === '' ? kind : `${kind}.${group}`)}. Use a Gateway of gateway.networking.k8s.io, or select pods with selector.matchLabels.`);
    return;
  }
  const message = `${kind} is a target for waypoints, which this mesh does not have: the policy would apply to nothing. Select the workload's pods with selector.matchLabels.`;
  if (narrows) findings.notEnforced(path, message);
  else findings.warning(path, message);
}
