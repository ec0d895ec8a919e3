// ingress: both applications answer through the gateway; what no route names is 404.
import { httpbin } from './httpbin-traffic.ts';
import { claim, type SmokeStep } from './step.ts';
import { burst, percentile } from './traffic.ts';

/** The smoke step `ingress`; the line at the top of this file is what it claims. */
export const ingress: SmokeStep = async (context) => {
  const pages = await burst(60, 4, () => context.ingress.send({ path: '/productpage' }));
  const bad = pages.find((page) => page.status !== 200);
  claim(!bad, `/productpage answered ${bad?.status} ${bad?.body.slice(0, 120) ?? ''}`);
  const incomplete = pages.find((page) => !page.body.includes('William Shakespeare') || !page.body.includes('Reviewer1'));
  claim(!incomplete, `a page lacks details or reviews: ${/class="error">[^<]*/.exec(incomplete?.body ?? '')?.[0] ?? ''}`);
  const { status, headers } = await httpbin(context, { path: '/get?a=b' });
  claim(status === 200, `httpbin answered ${status}`);
  const unrouted = await context.ingress.send({ path: '/no-such-path' });
  claim(unrouted.status === 404, `a path without a route answered ${unrouted.status}, not 404`);
  return { requests: pages.length, p50_ms: percentile(pages.map((page) => page.milliseconds), 0.5), p99_ms: percentile(pages.map((page) => page.milliseconds), 0.99), server: String(headers['server'] ?? '') };
};
