// What the story ends with: addresses, and five things to do with a mesh.

/** The text for a mesh whose ingress gateway is at `url`. */
export function thingsToTry(url: string, kubeconfig: string): string {
  const networking = 'samples/bookinfo/networking';
  return `Bookinfo:  ${url}/productpage
httpbin:   curl -H 'Host: httpbin.example.com' ${url}/headers
kubectl:   export KUBECONFIG=${kubeconfig}

Five things to try:
  1. Reload ${url}/productpage a few times: no stars, black stars, red stars are three versions of one service.
  2. Send everybody to version 1, and the user jason (sign in, any password) to version 2:
       kubectl apply -n bookinfo -f ${networking}/virtual-service-reviews-test-v2.yaml
  3. See what the page does when ratings take seven seconds, for jason only:
       kubectl apply -n bookinfo -f ${networking}/virtual-service-ratings-test-delay.yaml
  4. Let only the product page read reviews, over mutual TLS only:
       kubectl apply -n bookinfo -f ${networking}/strict-mtls.yaml -f ${networking}/only-productpage-reads-reviews.yaml
  5. Upgrade the mesh while it serves:
       kubectl patch -n istio-system servicemeshcontrolplane basic --type merge -p '{"spec":{"version":"v3.1"}}'
       kubectl get -n istio-system servicemeshcontrolplane basic -w

Ctrl-C stops everything that was started.
`;
}
