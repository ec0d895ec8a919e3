// Analysis of a mesh: what is allowed but can not have been meant. Used by the command line, the webhook and the console.
import type { Issue } from '../../shared/lib/index.ts';
import type { MeshSnapshot } from '../model/snapshot.ts';
import { annotations } from './annotations.ts';
import { claimsWithoutTokens } from './claims-without-tokens.ts';
import { conflictingGateways } from './conflicting-gateways.ts';
import type { Analyzer } from './finding.ts';
import { missingProxy } from './missing-proxy.ts';
import { portNames } from './port-names.ts';
import { referencedResources } from './referenced-resources.ts';
import { selectors } from './selectors.ts';
import { unreachableRules } from './unreachable-rules.ts';
import { virtualServiceHosts } from './virtual-service-hosts.ts';

export type { Analyzer } from './finding.ts';

/** Every analyzer. */
export const ANALYZERS: readonly Analyzer[] = [referencedResources, missingProxy, annotations, virtualServiceHosts, selectors, portNames, unreachableRules, conflictingGateways, claimsWithoutTokens];

const LEVELS = ['error', 'warning', 'info'] as const;

/** What every analyzer says of `snapshot`, with `schemaIssues` (objects that were kept out, IST0106) among it: errors first, then by object. */
export function analyzeMesh(snapshot: MeshSnapshot, schemaIssues: readonly Issue[] = []): Issue[] {
  const issues = [...schemaIssues, ...ANALYZERS.flatMap((analyzer) => analyzer.analyze(snapshot))];
  return issues.sort((left, right) => LEVELS.indexOf(left.level) - LEVELS.indexOf(right.level) || keyOf(left).localeCompare(keyOf(right)));
}

function keyOf({ code, object, path = '' }: Issue): string {
  return [object?.kind ?? '', object?.namespace ?? '', object?.name ?? '', code, path].join('/');
}
