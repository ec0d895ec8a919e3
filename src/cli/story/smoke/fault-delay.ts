// fault-delay: ratings are slowed down for one user alone, by what the rule says.
import { seeReviews, signIn } from './bookinfo-traffic.ts';
import { claim, settled, withYaml, type SmokeStep } from './step.ts';
import { burst, percentile } from './traffic.ts';

const rules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - route: [{ destination: { host: reviews, subset: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      fault: { delay: { percentage: { value: 100 }, fixedDelay: 1.5s } }
      route: [{ destination: { host: ratings, subset: v1 } }]
    - route: [{ destination: { host: ratings, subset: v1 } }]
`;

/** The smoke step `fault-delay`; the line at the top of this file is what it claims. */
export const faultDelay: SmokeStep = (context) => withYaml(context, 'bookinfo', rules, async () => {
  const jason = await signIn(context, 'jason');
  await settled(context, 'the delay', async () => {
    const seen = await seeReviews(context.ingress, jason);
    return (seen.version === 'v2' && seen.milliseconds >= 1_500) || `${seen.version} after ${Math.round(seen.milliseconds)} ms`;
  }, 2);
  const slow = await burst(8, 4, () => seeReviews(context.ingress, jason));
  const fast = await burst(40, 4, () => seeReviews(context.ingress));
  claim(slow.every((one) => one.status === 200 && one.milliseconds >= 1_490 && one.milliseconds < 2_900), `delayed requests took ${slow.map((one) => Math.round(one.milliseconds)).join(', ')} ms`);
  const median = percentile(fast.map((one) => one.milliseconds), 0.5);
  claim(fast.every((one) => one.status === 200) && median < 750, `requests of others took ${median} ms`);
  return { delayed_p50_ms: percentile(slow.map((one) => one.milliseconds), 0.5), others_p50_ms: median };
});
