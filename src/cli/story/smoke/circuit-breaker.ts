// circuit-breaker: with room for one connection and one waiting request, the rest is refused at once; without the limit nothing is.
import { httpbin } from './httpbin-traffic.ts';
import { claim, settled, withHttpbinRoutes, type SmokeStep } from './step.ts';
import { burst, percentile, tally } from './traffic.ts';

const routes = `    - retries: { attempts: 0 }
      route: [{ destination: { host: httpbin, subset: v2, port: { number: 8000 } } }]
`;
const limited = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: httpbin }
spec:
  host: httpbin
  subsets:
    - { name: v1, labels: { version: v1 } }
    - name: v2
      labels: { version: v2 }
      trafficPolicy:
        connectionPool:
          tcp: { maxConnections: 1 }
          http: { http1MaxPendingRequests: 1 }
`;

/** The smoke step `circuit-breaker`; the line at the top of this file is what it claims. */
export const circuitBreaker: SmokeStep = async (context) => {
  const storm = () => burst(20, 20, () => httpbin(context, { path: '/delay/0.4' }));
  const free = await withHttpbinRoutes(context, routes, async () => {
    await settled(context, 'the route to v2', async () => (JSON.parse((await httpbin(context, { path: '/get' })).body) as { version?: string }).version === 'v2');
    return storm();
  });
  claim(free.every(({ status }) => status === 200), `without a limit: ${JSON.stringify(tally(free.map(({ status }) => String(status))))}`);
  const broken = await withHttpbinRoutes(context, routes, async () => {
    await settled(context, 'the limit', async () => (await burst(8, 8, () => httpbin(context, { path: '/delay/0.2' }))).some(({ status }) => status === 503), 1);
    return storm();
  }, limited);
  const counts = tally(broken.map(({ status }) => String(status)));
  const refused = broken.filter(({ status }) => status === 503);
  claim((counts['200'] ?? 0) >= 1 && refused.length >= 10 && (counts['200'] ?? 0) + refused.length === broken.length, `with the limit: ${JSON.stringify(counts)}`);
  const refusedAfter = percentile(refused.map(({ milliseconds }) => milliseconds), 0.5);
  claim(refusedAfter < 350, `refusals took ${refusedAfter} ms; they should not wait for the upstream`);
  return { free_ok: free.length, limited_ok: counts['200'] ?? 0, refused: refused.length, refused_p50_ms: refusedAfter };
};
