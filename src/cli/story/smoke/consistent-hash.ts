// consistent-hash: requests with the same header value reach the same pod, different values spread over the pods.
import { httpbin } from './httpbin-traffic.ts';
import { claim, settled, withHttpbinRoutes, type SmokeStep } from './step.ts';
import { burst } from './traffic.ts';

const USERS = 40;
const routes = '    - route: [{ destination: { host: httpbin, subset: v1, port: { number: 8000 } } }]\n';
const rule = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: httpbin }
spec:
  host: httpbin
  trafficPolicy:
    loadBalancer: { consistentHash: { httpHeaderName: x-user } }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;

/** The smoke step `consistent-hash`; the line at the top of this file is what it claims. */
export const consistentHash: SmokeStep = (context) => withHttpbinRoutes(context, routes, async () => {
  const podOf = async (user: string): Promise<string> => (JSON.parse((await httpbin(context, { path: '/get', headers: { 'x-user': user } })).body) as { pod: string }).pod;
  await settled(context, 'the hashing', async () => new Set(await burst(8, 4, () => podOf('settling'))).size === 1, 4);
  const pods = new Map<string, Set<string>>();
  await burst(USERS * 6, 8, async (index) => {
    const user = `user-${index % USERS}`;
    const seen = pods.get(user) ?? new Set<string>();
    pods.set(user, seen.add(await podOf(user)));
  });
  const unsteady = [...pods].filter(([, seen]) => seen.size > 1);
  claim(unsteady.length === 0, `${unsteady.length} of ${USERS} users reached more than one pod, for example ${unsteady[0]?.[0]}: ${[...unsteady[0]?.[1] ?? []].join(', ')}`);
  const used = new Set([...pods.values()].flatMap((seen) => [...seen]));
  claim(used.size === 2, `all ${USERS} users reached ${used.size} pod; two should share them`);
  return { users: USERS, requests: USERS * 6, pods: used.size };
}, rule);
