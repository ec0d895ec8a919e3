// What ties objects together: owner references, which the garbage collector follows, and finalizers, which hold a deletion until clean-up is done.
import { apiVersionOf, type KubernetesObject, type OwnerReference, type ResourceType } from '../api/meta/index.ts';
import type { KubeClient } from './kube-client.ts';
import { isConflict } from './kube-error.ts';

/** A reference to `owner`, as its controller and holding up its foreground deletion. */
export function ownerReference(type: ResourceType, owner: KubernetesObject): OwnerReference {
  const { name = '', uid = '' } = owner.metadata ?? {};
  return { apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Whether `object` carries the finalizer. */
export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata?.finalizers?.includes(finalizer) ?? false;
}

/** Adds the finalizer unless it is there; returns the object as it is then. */
export function addFinalizer<T extends KubernetesObject>(client: KubeClient, type: ResourceType<T>, object: T, finalizer: string): Promise<T> {
  return changeFinalizers(client, type, object, (finalizers) => (finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer]));
}

/** Removes the finalizer, which may let the object vanish; an object already gone is fine. */
export async function removeFinalizer<T extends KubernetesObject>(client: KubeClient, type: ResourceType<T>, object: T, finalizer: string): Promise<void> {
  const { name = '', namespace } = object.metadata ?? {};
  const present = await client.find(type, name, namespace);
  if (!present || present.metadata?.uid !== object.metadata?.uid) return;
  await changeFinalizers(client, type, present, (finalizers) => (finalizers.includes(finalizer) ? finalizers.filter((other) => other !== finalizer) : finalizers));
}

async function changeFinalizers<T extends KubernetesObject>(client: KubeClient, type: ResourceType<T>, object: T, change: (finalizers: string[]) => string[]): Promise<T> {
  let present = object;
  for (let attempt = 1; ; attempt += 1) {
    const { name = '', namespace, finalizers = [], resourceVersion } = present.metadata ?? {};
    const next = change(finalizers);
    if (next === finalizers) return present;
    try {
      return await client.patch(type, name, namespace, { metadata: { finalizers: next, resourceVersion } });
    } catch (error) {
      if (!isConflict(error) || attempt >= 5) throw error;
      present = await client.get(type, name, namespace);
    }
  }
}
