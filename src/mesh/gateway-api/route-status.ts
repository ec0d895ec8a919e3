// Statuses of routes: for each parent of ours whether the route is accepted there and its references resolve.
import type { GatewayApiCondition, GatewayApiStatus } from './binding-types.ts';
import type { AnyRoute, BoundParent } from './attachments.ts';
import { backendFault } from './backends.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundRoute } from './bound-route.ts';
import { condition, unlessFault, type Fault } from './conditions.ts';
import { CONTROLLER_NAME } from './names.ts';
import { ruleFault } from './rule-fault.ts';

/** The status of a route. */
export function routeStatus(context: BindingContext, { route, parents }: BoundRoute): GatewayApiStatus {
  const { name, namespace = '', generation = 0 } = route.metadata;
  return {
    kind: route.kind, namespace, name, generation,
    status: { parents: parents.map((parent) => ({ parentRef: parent.reference, controllerName: CONTROLLER_NAME, conditions: conditionsOf(context, route, parent) })) },
  };
}

function conditionsOf(context: BindingContext, route: AnyRoute, parent: BoundParent): GatewayApiCondition[] {
  const { generation = 0 } = route.metadata;
  const rules = ruleFaults(route);
  const dropped = rules.length > 0 && rules.every((fault) => fault !== undefined) ? rules[0] : undefined;
  const partial = dropped ? undefined : rules.find((fault) => fault !== undefined);
  return [
    unlessFault('Accepted', parent.fault ?? dropped, 'The route is accepted.', generation),
    unlessFault('ResolvedRefs', backendFault(context, route, parent.service ? 'mesh' : 'gateway'), 'All references resolve.', generation),
    ...(partial ? [condition('PartiallyInvalid', true, partial.reason, `Rules were left out: ${partial.message}`, generation)] : []),
  ];
}

/** What is wrong with each rule. */
function ruleFaults(route: AnyRoute): readonly (Fault | undefined)[] {
  if (route.kind === 'HTTPRoute') return (route.spec.rules ?? []).map(ruleFault);
  if (route.kind === 'GRPCRoute') return (route.spec.rules ?? []).map(ruleFault);
  return [];
}
