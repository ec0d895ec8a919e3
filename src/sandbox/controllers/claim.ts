// Whose an object is: a controller adopts objects that its selector matches and that nobody controls, and lets go of its own that the
// selector matches no more. Used by the controllers that have a selector; follows the claiming of kube-controller-manager.
import type { ResourceName, StoredObject } from '../api-server/internal-client.ts';
import { compileLabelSelector } from '../store/index.ts';
import { controllerReference, controllerUid, type ControllerContext } from './controller.ts';

/** What a controller claims. */
export interface Claim {
  readonly resource: ResourceName;
  /** The resource of the owner itself. */
  readonly owners: ResourceName;
  /** Further objects that are not touched although the selector matches, or matches no more. */
  readonly isExempt?: (object: StoredObject) => boolean;
}

/**
 * Makes the owner references of a namespace's objects say what the owner's selector says. Answers with the owner as it is afterwards: one that is gone or
 * being deleted meanwhile must not make new objects for those that it has lost.
 */
export async function claimObjects(context: ControllerContext, owner: StoredObject, { resource, owners, isExempt = () => false }: Claim): Promise<StoredObject | undefined> {
  const matches = compileLabelSelector(owner.spec.selector);
  for (const object of context.client.table(resource).list(owner.metadata.namespace)) {
    const holder = controllerUid(object);
    if (isExempt(object) || (holder !== undefined && holder !== owner.metadata.uid)) continue;
    const isMatch = matches(object.metadata.labels);
    if (holder === undefined && isMatch) await adopt(context, owner, owners, resource, object);
    else if (holder !== undefined && !isMatch) await release(context, owner, resource, object);
  }
  const present = context.client.table(owners).get(owner.metadata.namespace, owner.metadata.name);
  return present?.metadata.uid === owner.metadata.uid && present.metadata.deletionTimestamp === undefined ? present : undefined;
}

async function adopt(context: ControllerContext, owner: StoredObject, owners: ResourceName, resource: ResourceName, object: StoredObject): Promise<void> {
  if (owner.metadata.deletionTimestamp !== undefined || object.metadata.deletionTimestamp !== undefined) return;
  // One that is being deleted lets go of its objects: seen a moment too late, they would be taken back and go with it.
  const { namespace, name, uid } = owner.metadata;
  const present = await context.client.client.get(owners, namespace, name);
  if (present?.metadata.uid !== uid || present.metadata.deletionTimestamp !== undefined) return;
  await writeOwners(context, resource, object, [...(object.metadata.ownerReferences ?? []), controllerReference(owner)]);
}

async function release(context: ControllerContext, owner: StoredObject, resource: ResourceName, object: StoredObject): Promise<void> {
  if (owner.metadata.deletionTimestamp !== undefined) return;
  await writeOwners(context, resource, object, (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid));
}

/** The version is a precondition: somebody else may claim the object at the same moment. */
async function writeOwners(context: ControllerContext, resource: ResourceName, { metadata }: StoredObject, ownerReferences: readonly object[]): Promise<void> {
  const { namespace, name, uid, resourceVersion } = metadata;
  await context.client.patch(resource, namespace, name, { metadata: { uid, resourceVersion, ownerReferences: ownerReferences.length === 0 ? null : ownerReferences } });
}

/** For an object that nobody controls: the keys of those whose selector matches it. */
export function claimantKeys(context: ControllerContext, claimants: ResourceName): (object: StoredObject) => string[] {
  const table = context.client.table(claimants);
  return (object) => {
    const { namespace = '', labels } = object.metadata;
    if (controllerUid(object) !== undefined || labels === undefined) return [];
    return table.list(namespace).filter(({ spec }) => compileLabelSelector(spec.selector)(labels)).map(({ metadata }) => `${namespace}/${metadata.name}`);
  };
}
