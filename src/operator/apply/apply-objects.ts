// Applies rendered objects by server-side apply: only those that differ from what is there, so that a pass over an unchanged mesh writes nothing.
import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { managedKindOf } from './kinds.ts';

/** Field manager of every write. */
export const FIELD_MANAGER = 'mizzen-operator';
/** Annotation with a digest of the applied object: tells a field removed from a template, which comparing with the live object cannot. */
export const DIGEST_ANNOTATION = 'maistra.io/manifest-digest';

const log = createLogger('apply');

/** Says which paths of the first object the second lacks or has otherwise. */
export type Comparison = (desired: unknown, live: unknown) => string[];

/** Applies one object unless the live one already agrees; returns whether it wrote. */
export async function applyObject(client: KubeClient, object: KubernetesObject, compare: Comparison): Promise<boolean> {
  const type = managedKindOf(object);
  const { name = '', namespace } = object.metadata ?? {};
  const desired = withDigest(object);
  const live = await client.find(type, name, namespace);
  if (live?.metadata?.deletionTimestamp) throw new Error(`${object.kind ?? ''} ${namespace ?? ''}/${name} is being deleted; it is applied again when it is gone`);
  const differing = live ? compare(desired, live) : [];
  if (live && differing.length === 0) return false;
  log.info({ kind: object.kind, namespace, name, action: live ? 'update' : 'create', paths: differing.slice(0, 8) }, 'applying');
  try {
    await client.apply(type, desired, { fieldManager: FIELD_MANAGER, force: true });
  } catch (error) {
    // Some fields (a selector, a roleRef) can never be changed in place.
    if (!live || !(error instanceof KubeError && onlyImmutableFields(error))) throw error;
    log.warn({ kind: object.kind, namespace, name, error: error.message }, 'object cannot be changed in place and is made anew');
    await client.delete(type, name, namespace);
    await client.apply(type, desired, { fieldManager: FIELD_MANAGER, force: true });
  }
  return true;
}

/**
 * Whether the server refused nothing but changes of fields that never change. Any other mistake in the object would make the new one fail as well, and
 * the old one would be gone for nothing.
 */
function onlyImmutableFields(error: KubeError): boolean {
  if (!error.isInvalid()) return false;
  const messages = error.details.causes?.map(({ message = '' }) => message) ?? [error.serverMessage];
  return messages.length > 0 && messages.every((message) => /immutable|cannot change|may not (?:be )?change|updates to .* are forbidden/i.test(message));
}

/** Applies objects in order; returns how many it wrote. */
export async function applyObjects(client: KubeClient, objects: readonly KubernetesObject[], compare: Comparison): Promise<number> {
  let written = 0;
  for (const object of objects) if (await applyObject(client, object, compare)) written += 1;
  return written;
}

function withDigest(object: KubernetesObject): KubernetesObject {
  const { labels: _labels, annotations, ...metadata } = object.metadata ?? {};
  const digest = createHash('sha256').update(JSON.stringify({ ...object, metadata })).digest('hex').slice(0, 16);
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [DIGEST_ANNOTATION]: digest } } };
}
