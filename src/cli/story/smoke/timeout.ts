// timeout: a call that may take half a second is given up after half a second.
import { seeReviews } from './bookinfo-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst, percentile } from './traffic.ts';

/** The smoke step `timeout`; the line at the top of this file is what it claims. */
export const timeout: SmokeStep = (context) => withYaml(context, 'bookinfo', sample(context, 'bookinfo/networking/virtual-service-reviews-timeout.yaml'), async () => {
  await settled(context, 'the timeout', async () => {
    const { status, version, milliseconds } = await seeReviews(context.ingress);
    return status === 504 || `status ${status} ${version} after ${Math.round(milliseconds)} ms`;
  });
  const seen = await burst(12, 4, () => seeReviews(context.ingress));
  claim(seen.every((one) => one.status === 504), `statuses ${seen.map((one) => one.status).join(', ')}, all should be 504`);
  claim(seen.every((one) => one.milliseconds >= 480 && one.milliseconds < 1_600), `given up after ${seen.map((one) => Math.round(one.milliseconds)).join(', ')} ms instead of 500`);
  return { requests: seen.length, p50_ms: percentile(seen.map((one) => one.milliseconds), 0.5) };
});
