// canary-split: nine of ten requests go to reviews v1, one to v2, as closely as chance allows, none elsewhere.
import { binomialBounds } from './binomial.ts';
import { seeReviews } from './bookinfo-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst, tally } from './traffic.ts';

const REQUESTS = 2_000;

/** The smoke step `canary-split`; the line at the top of this file is what it claims. */
export const canarySplit: SmokeStep = (context) => withYaml(context, 'bookinfo', sample(context, 'bookinfo/networking/virtual-service-reviews-90-10.yaml'), async () => {
  await settled(context, 'the end of requests to reviews v3', async () => (await seeReviews(context.ingress)).version !== 'v3', 12);
  const started = performance.now();
  const seen = await burst(REQUESTS, 16, () => seeReviews(context.ingress));
  const seconds = (performance.now() - started) / 1000;
  const counts = tally(seen.map(({ status, version }) => (status === 200 ? version : `status ${status}`)));
  const { lower, upper } = binomialBounds(REQUESTS, 0.1);
  const canary = counts['v2'] ?? 0;
  claim((counts['v1'] ?? 0) + canary === REQUESTS, `answers other than from v1 and v2: ${JSON.stringify(counts)}`);
  claim(canary >= lower && canary <= upper, `${canary} of ${REQUESTS} requests went to v2; ${lower} to ${upper} are what chance allows`);
  return { ...counts, requests: REQUESTS, lower, upper, requests_per_second: Math.round(REQUESTS / seconds) };
});
