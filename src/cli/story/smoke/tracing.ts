// tracing: one request makes one trace, from the gateway over the product page and reviews to ratings.
import { randomBytes } from 'node:crypto';
import { waitUntil } from '../../cluster/wait.ts';
import { seeReviews } from './bookinfo-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';

const workloads = ['istio-ingressgateway', 'productpage', 'reviews', 'ratings'];

/** The smoke step `tracing`; the line at the top of this file is what it claims. */
export const tracing: SmokeStep = (context) => withYaml(context, 'bookinfo', sample(context, 'bookinfo/networking/virtual-service-reviews-v3.yaml'), async () => {
  await settled(context, 'the route to reviews v3', async () => (await seeReviews(context.ingress)).version === 'v3');
  const traceId = randomBytes(16).toString('hex');
  const headers = { 'x-b3-traceid': traceId, 'x-b3-spanid': randomBytes(8).toString('hex'), 'x-b3-sampled': '1' };
  const { status } = await seeReviews(context.ingress, undefined, headers);
  claim(status === 200, `the traced request answered ${status}`);
  const services = (): string[] => [...new Set(context.collector.trace(traceId).map((span) => span.localEndpoint?.serviceName ?? ''))].sort();
  await waitUntil('the arrival of the trace', async () => {
    const missing = workloads.filter((name) => !services().some((service) => service.startsWith(name)));
    return missing.length === 0 ? undefined : `no span of ${missing.join(', ')} in the trace; services seen: ${services().join(', ') || 'none'}; ${context.collector.size} spans in all`;
  }, { signal: context.signal, timeoutMilliseconds: 20_000 });
  const spans = context.collector.trace(traceId);
  const ids = new Set([...spans.map((span) => span.id), headers['x-b3-spanid']]);
  const orphans = spans.filter((span) => span.parentId !== undefined && !ids.has(span.parentId));
  claim(orphans.length === 0, `${orphans.length} of ${spans.length} spans name a parent that is not in the trace, for example of ${orphans[0]?.localEndpoint?.serviceName}`);
  claim(spans.some((span) => span.tags?.['http.status_code'] === '200'), 'no span carries the tag http.status_code');
  return { spans: spans.length, services: services() };
});
