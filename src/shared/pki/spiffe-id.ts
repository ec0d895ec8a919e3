// SPIFFE ids of Kubernetes workloads, as Istio forms them: spiffe://<trust domain>/ns/<namespace>/sa/<service account>.

/** The identity of a workload. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const SCHEME = 'spiffe://';

/** The URI of an identity. */
export function formatSpiffeId({ trustDomain, namespace, serviceAccount }: SpiffeId): string {
  return `${SCHEME}${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** The identity that a URI names; undefined when it is not of a workload's form. */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  const match = /^spiffe:\/\/([A-Za-z0-9._-]+)\/ns\/([a-z0-9.-]+)\/sa\/([a-z0-9.-]+)$/.exec(uri);
  if (!match) return undefined;
  const [, trustDomain = '', namespace = '', serviceAccount = ''] = match;
  return { trustDomain, namespace, serviceAccount };
}

/** The identity of a Kubernetes service account user (`system:serviceaccount:<namespace>:<name>`) in a trust domain. */
export function spiffeIdOfUser(username: string, trustDomain: string): SpiffeId | undefined {
  const [system, kind, namespace, serviceAccount, rest] = username.split(':');
  if (system !== 'system' || kind !== 'serviceaccount' || !namespace || !serviceAccount || rest !== undefined) return undefined;
  return { trustDomain, namespace, serviceAccount };
}
