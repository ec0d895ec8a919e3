// The cluster's DNS: CoreDNS as any cluster runs it, under the Service that kubelets name to pods.

/** The name of the image that holds CoreDNS. */
export const COREDNS_IMAGE = 'localhost/coredns:1';

const COREFILE = `.:53 {
    errors
    health {
        lameduck 1s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
`;

/** The objects of the cluster's DNS. */
export function corednsManifests(dnsAddress: string): object[] {
  const metadata = { name: 'coredns', namespace: 'kube-system' };
  const labels = { 'k8s-app': 'kube-dns' };
  const ports = [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 'dns-tcp', port: 53, protocol: 'TCP' }];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' }, subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { Corefile: COREFILE } },
    {
      apiVersion: 'apps/v1', kind: 'Deployment', metadata,
      spec: {
        replicas: 1, selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'coredns', dnsPolicy: 'Default', priorityClassName: 'system-cluster-critical', tolerations: [{ operator: 'Exists' }],
            containers: [{
              name: 'coredns', image: COREDNS_IMAGE, imagePullPolicy: 'Never', args: ['-conf', '/etc/coredns/Corefile'],
              ports: ports.map(({ port, ...rest }) => ({ containerPort: port, ...rest })),
              readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
              volumeMounts: [{ name: 'configuration', mountPath: '/etc/coredns' }],
            }],
            volumes: [{ name: 'configuration', configMap: { name: 'coredns' } }],
          },
        },
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns', namespace: 'kube-system' }, spec: { clusterIP: dnsAddress, selector: labels, ports } },
  ];
}
