// IST0149: routes by claims of a token at a gateway that checks no token, so that they are never taken.
import type { Issue } from '../../shared/lib/index.ts';
import { policiesFor, selects } from '../model/policy-selection.ts';
import type { MeshSnapshot, VirtualServiceRecord } from '../model/snapshot.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';

const CLAIM = /^@request\.auth\.claims[.[]/i;

/** Finds routes by claims that nobody makes known. */
export const claimsWithoutTokens: Analyzer = {
  codes: ['IST0149'],
  analyze: (snapshot) => snapshot.virtualServices.flatMap((record) => issuesOf(snapshot, record)),
};

interface ClaimUse { readonly name: string; readonly path: string }

function issuesOf(snapshot: MeshSnapshot, record: VirtualServiceRecord): Issue[] {
  const uses = claimsOf(record);
  if (uses.length === 0) return [];
  return (record.spec.gateways ?? []).flatMap((gateway) => podsWithoutTokens(snapshot, gateway).flatMap((pod) => uses.map(({ name, path }) => finding('IST0149', 'error', referenceTo(record), path,
    `The route asks for ${name}, but no RequestAuthentication applies to pod ${pod} of gateway ${gateway}: no request has claims there. Apply one to the gateway's pods.`))));
}

function claimsOf({ spec }: VirtualServiceRecord): ClaimUse[] {
  return (spec.http ?? []).flatMap((route, index) => (route.match ?? []).flatMap((match, at) => (['headers', 'withoutHeaders'] as const).flatMap((field) =>
    Object.keys(match[field] ?? {}).filter((name) => CLAIM.test(name)).map((name) => ({ name, path: `spec.http[${index}].match[${at}].${field}.${name}` })))));
}

/** Pods of a gateway `namespace/name` on which no RequestAuthentication is; the first is enough to say so. */
function podsWithoutTokens(snapshot: MeshSnapshot, gateway: string): string[] {
  const record = snapshot.gateways.find(({ namespace, name }) => `${namespace}/${name}` === gateway);
  if (!record) return [];
  const pod = [...snapshot.workloads.values()].find((workload) => selects(record.spec.selector, workload.labels) && !policiesFor(snapshot.requestAuthentications, snapshot.rootNamespace, workload).some(({ spec }) => spec.jwtRules?.length));
  return pod ? [`${pod.namespace}/${pod.podName}`] : [];
}
