// metrics: proxies count requests with Istio's labels on both sides, exactly as many as were sent.
import type { Pod } from '../../cluster/mesh-types.ts';
import { livePods } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { seeReviews } from './bookinfo-traffic.ts';
import { sendToPod } from './httpbin-traffic.ts';
import { counterSum, parseSamples } from './prometheus-text.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst } from './traffic.ts';

const REQUESTS = 50;
const common = {
  source_workload: 'productpage-v1', source_workload_namespace: 'bookinfo', source_principal: 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-productpage',
  destination_workload: 'reviews-v3', destination_workload_namespace: 'bookinfo', destination_service: 'reviews.bookinfo.svc.cluster.local', destination_service_name: 'reviews',
  destination_version: 'v3', request_protocol: 'http', response_code: '200', response_flags: '-',
};
const atDestination = { ...common, reporter: 'destination', connection_security_policy: 'mutual_tls', destination_principal: 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews' };
const atSource = { ...common, reporter: 'source' };

async function scrape(pod: Pod): Promise<string> {
  const { status, body } = await sendToPod(pod, 15020, { path: '/stats/prometheus' });
  claim(status === 200, `/stats/prometheus of ${pod.metadata?.name} answered ${status}`);
  return body;
}

/** The smoke step `metrics`; the line at the top of this file is what it claims. */
export const metrics: SmokeStep = (context) => withYaml(context, 'bookinfo', sample(context, 'bookinfo/networking/virtual-service-reviews-v3.yaml'), async () => {
  const [reviews] = await livePods(context.client, 'bookinfo', 'app=reviews,version=v3');
  const [page] = await livePods(context.client, 'bookinfo', 'app=productpage');
  claim(reviews !== undefined && page !== undefined, 'a pod of reviews v3 or of the product page is missing');
  await settled(context, 'the route to reviews v3', async () => (await seeReviews(context.ingress)).version === 'v3', 8);
  const count = async (): Promise<{ destination: number; source: number }> => ({
    destination: counterSum(await scrape(reviews), 'istio_requests_total', atDestination), source: counterSum(await scrape(page), 'istio_requests_total', atSource),
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = await count();
  await burst(REQUESTS, 4, () => seeReviews(context.ingress));
  let seen = { destination: 0, source: 0 };
  await waitUntil('the counting of requests', async () => {
    const now = await count();
    seen = { destination: now.destination - before.destination, source: now.source - before.source };
    return seen.destination >= REQUESTS && seen.source >= REQUESTS ? undefined : `counted ${seen.destination} at the destination, ${seen.source} at the source, of ${REQUESTS}`;
  }, { signal: context.signal, timeoutMilliseconds: 8_000 }).catch(async (cause: unknown) => {
    const present = parseSamples(await scrape(reviews)).filter((one) => one.name === 'istio_requests_total').slice(0, 3);
    throw new Error(`the counters do not carry the labels expected; reviews has ${JSON.stringify(present)}`, { cause });
  });
  claim(seen.destination === REQUESTS && seen.source === REQUESTS, `counted ${seen.destination} at the destination, ${seen.source} at the source, of ${REQUESTS}`);
  const names = new Set(parseSamples(await scrape(reviews)).map((one) => one.name));
  for (const name of ['istio_request_duration_milliseconds_bucket', 'istio_request_bytes_sum', 'istio_response_bytes_sum']) claim(names.has(name), `the metric ${name} is missing`);
  return { requests: REQUESTS, at_destination: seen.destination, at_source: seen.source };
});
