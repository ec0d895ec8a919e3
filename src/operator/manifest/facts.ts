// What the operator must know of the cluster before it renders: gathered first, so that rendering reads nothing.

/** Facts about the cluster and this mesh in it. */
export interface Facts {
  /** Namespace of the control plane object. */
  readonly namespace: string;
  /** Name of the control plane object, which is the revision. */
  readonly name: string;
  /** uid of the control plane object: its objects are owned by it. */
  readonly uid: string;
  /** `<operator version>-<generation>` of what is rendered. */
  readonly meshGeneration: string;
  /** PEM of the root that signs the control plane's own certificate. */
  readonly rootCertificate: string;
  readonly platform: 'kubernetes' | 'openshift';
}
