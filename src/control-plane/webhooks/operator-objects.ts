// Objects that the operator keeps as a ServiceMeshControlPlane says: whoever edits one is told that the change will be undone, and where to make it instead.
import { MANAGED_BY, OWNER_LABEL, OWNER_NAME_LABEL } from '../../shared/api/maistra/ownership.ts';
import type { AdmissionRequest } from './admission-review.ts';

/** Name of the operator's service account, in whichever namespace it is installed. */
const OPERATOR_ACCOUNT = /^system:serviceaccount:[^:]+:mizzen-operator$/;

/** What decides over an object of a kind, where its control plane has a field for it. */
const FIELDS: Readonly<Record<string, string>> = { PeerAuthentication: 'spec.security.dataPlane.mtls' };

/** A warning for who changes such an object; undefined for the operator itself and for any other object. */
export function warningForOperatorObject({ operation, kind, namespace, name, oldObject, user }: AdmissionRequest): string | undefined {
  const labels = oldObject?.metadata?.labels ?? {};
  if (operation !== 'UPDATE' || labels['app.kubernetes.io/managed-by'] !== MANAGED_BY || OPERATOR_ACCOUNT.test(user.username)) return undefined;
  const field = FIELDS[kind.kind] ?? 'the field that it is made from';
  return `${kind.kind} ${namespace}/${name} is kept by the operator as ServiceMeshControlPlane ${labels[OWNER_LABEL] ?? ''}/${labels[OWNER_NAME_LABEL] ?? ''} says: this change will be undone. Change ${field} there instead.`;
}
