// ReferenceGrants: whether an object of one namespace may refer to an object of another.
import type { ReferenceGrant } from '../../shared/api/gateway-api/reference-grant.ts';

/** Who refers. */
export interface ReferenceSource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** What is referred to. */
export interface ReferenceTarget extends ReferenceSource {
  readonly name: string;
}

/** Whether `from` may refer to `to`: always within a namespace, else where the target's namespace grants it. */
export type Permits = (from: ReferenceSource, to: ReferenceTarget) => boolean;

/** The rule of all grants. */
export function permissionsOf(grants: readonly ReferenceGrant[]): Permits {
  const byNamespace = new Map<string, ReferenceGrant[]>();
  for (const grant of grants) {
    const namespace = grant.metadata.namespace ?? '';
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), grant]);
  }
  return (from, to) => from.namespace === to.namespace || (byNamespace.get(to.namespace) ?? []).some(({ spec }) =>
    spec.from.some((source) => source.group === from.group && source.kind === from.kind && source.namespace === from.namespace)
    && spec.to.some((target) => target.group === to.group && target.kind === to.kind && (target.name === undefined || target.name === '' || target.name === to.name)));
}
