// The objects that make the story's mesh: one control plane, one member roll, two namespaces of applications.

/** Namespace of the control plane. */
export const MESH_NAMESPACE = 'istio-system';
/** Name of the control plane. */
export const MESH_NAME = 'basic';
/** Namespace of the operator. */
export const OPERATOR_NAMESPACE = 'mizzen-operator';
/** Namespaces of the applications. */
export const MEMBERS = ['bookinfo', 'httpbin'] as const;
/** Host name under which httpbin is reached through the ingress gateway. */
export const HTTPBIN_HOST = 'httpbin.example.com';

/** The namespaces. */
export function namespacesYaml(): string {
  return [MESH_NAMESPACE, ...MEMBERS].map((name) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`).join('---\n');
}

/** The control plane; spans go to `zipkinAddress` when there is one. */
export function controlPlaneYaml(version: string, profiles: readonly string[], zipkinAddress?: string): string {
  const tracing = zipkinAddress === undefined ? '' : `  tracing: { type: Jaeger, sampling: 10000 }
  techPreview:
    meshConfig:
      defaultConfig:
        tracing: { zipkin: { address: "${zipkinAddress}" }, sampling: 100 }
`;
  return `apiVersion: maistra.io/v2
kind: ServiceMeshControlPlane
metadata: { name: ${MESH_NAME}, namespace: ${MESH_NAMESPACE} }
spec:
  version: ${version}
  profiles: [${profiles.join(', ')}]
${tracing}`;
}

/** The member roll. */
export function memberRollYaml(members: readonly string[] = MEMBERS): string {
  return `apiVersion: maistra.io/v1
kind: ServiceMeshMemberRoll
metadata: { name: default, namespace: ${MESH_NAMESPACE} }
spec:
  members: [${members.join(', ')}]
`;
}
