// Replacing a self-signed root before it ends, in two steps so that no connection fails: first the new root is only trusted, and when every
// workload has had time to learn it, it signs. The old root stays trusted until it ends. Runs in the leader alone.
import { SecretResource } from '../../shared/api/core/cluster.ts';
import { createLogger } from '../../shared/observability/index.ts';
import type { KubeClient } from '../../shared/kube/index.ts';
import { CertificateAuthority, parseCertificates, TrustBundle } from '../../shared/pki/index.ts';
import { encodeSecret, type LoadedAuthority } from './authority-secret.ts';

/** When to act. */
export interface RootRotationOptions {
  /** Part of the root's life that is left when its successor is made. */
  readonly graceRatio: number;
  /** How long a new root is only trusted: more than the longest life of a workload's certificate. */
  readonly overlapMilliseconds: number;
  readonly trustDomain: string;
}

/** The change that is due, if any. */
export type RotationStep = 'none' | 'introduce' | 'take-over';

const log = createLogger('ca');

/** What is due for `loaded` at `now`. */
export function rotationStep(loaded: LoadedAuthority, options: RootRotationOptions, now: Date): RotationStep {
  if (!loaded.selfSigned) return 'none';
  if (loaded.next) return now.getTime() - loaded.next.since.getTime() >= options.overlapMilliseconds ? 'take-over' : 'none';
  const [own] = parseCertificates(loaded.authority.certificatePem);
  if (!own) return 'none';
  const left = own.notAfter.getTime() - now.getTime();
  return left < (own.notAfter.getTime() - own.notBefore.getTime()) * options.graceRatio ? 'introduce' : 'none';
}

/** Does the step that is due; returns whether the secret was changed. The secret's version is a precondition, so two replicas cannot both act. */
export async function rotateRoot(client: KubeClient, loaded: LoadedAuthority, options: RootRotationOptions, now: Date): Promise<boolean> {
  const step = rotationStep(loaded, options, now);
  if (step === 'none') return false;
  const data = step === 'introduce' ? await introduce(loaded, options, now) : takeOver(loaded, now);
  await client.replace(SecretResource, { ...loaded.secret, data });
  log.info({ step, secret: loaded.secret.metadata?.name }, 'root certificate rotation');
  return true;
}

async function introduce(loaded: LoadedAuthority, options: RootRotationOptions, now: Date): Promise<Record<string, string>> {
  const next = await CertificateAuthority.createSelfSigned({ organization: options.trustDomain });
  return { ...loaded.secret.data, ...encodeSecret({ 'next-ca-cert.pem': next.certificatePem, 'next-ca-key.pem': next.privateKeyPem.reveal(), 'next-ca-since': now.toISOString() }) };
}

function takeOver(loaded: LoadedAuthority, now: Date): Record<string, string> {
  const next = loaded.next?.authority;
  if (!next) throw new Error('there is no root to take over');
  const kept = Object.fromEntries(Object.entries(loaded.secret.data ?? {}).filter(([key]) => !key.startsWith('next-ca-')));
  const roots = new TrustBundle(next.rootPem, loaded.bundle.pem).withoutExpired(now);
  return { ...kept, ...encodeSecret({ 'ca-cert.pem': next.certificatePem, 'ca-key.pem': next.privateKeyPem.reveal(), 'root-cert.pem': roots.pem, 'cert-chain.pem': '' }) };
}
