// fault-abort: ratings fail for one user alone; the page goes on without stars.
import { seeReviews, signIn } from './bookinfo-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst } from './traffic.ts';

/** The smoke step `fault-abort`; the line at the top of this file is what it claims. */
export const faultAbort: SmokeStep = (context) => {
  const rules = `${sample(context, 'bookinfo/networking/virtual-service-reviews-v3.yaml')}---\n${sample(context, 'bookinfo/networking/virtual-service-ratings-test-abort.yaml')}`;
  return withYaml(context, 'bookinfo', rules, async () => {
    const jason = await signIn(context, 'jason');
    await settled(context, 'the failure of ratings', async () => (await seeReviews(context.ingress, jason)).ratingsError && (await seeReviews(context.ingress)).version === 'v3');
    const failing = await burst(30, 4, () => seeReviews(context.ingress, jason));
    const others = await burst(30, 4, () => seeReviews(context.ingress));
    claim(failing.every((one) => one.status === 200 && one.ratingsError), `${failing.filter((one) => !one.ratingsError).length} of 30 requests of jason were not aborted`);
    claim(others.every((one) => one.status === 200 && !one.ratingsError), `${others.filter((one) => one.ratingsError || one.status !== 200).length} of 30 requests of others failed`);
    return { aborted: failing.length, others_ok: others.length };
  });
};
