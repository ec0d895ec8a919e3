// Names and rules that the member roll's and the member's controllers share.

/** Name that every member roll and member must have. */
export const DEFAULT_NAME = 'default';
/** Annotation that says which controller made an object. */
export const CREATED_BY = 'maistra.io/created-by';
/** Value of `CREATED_BY` on members that a roll made. */
export const ROLL_CONTROLLER = 'servicemeshmemberroll-controller';
/** Value of `CREATED_BY` on rolls that a member made. */
export const MEMBER_CONTROLLER = 'servicemeshmember-controller';

/** Whether `*` and selectors pass a namespace by: the cluster's own ones are members only when named. */
export function isSystemNamespace(name: string): boolean {
  return name === 'kube' || name === 'openshift' || /^(kube|openshift|ibm)-/.test(name);
}
