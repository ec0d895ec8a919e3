// mirror: every request to v1 is copied to v2, whose answers nobody waits for.
import { waitUntil } from '../../cluster/wait.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, settled, withHttpbinRoutes, type SmokeStep, type SmokeContext } from './step.ts';
import { burst } from './traffic.ts';

const REQUESTS = 60;
const routes = `    - match: [{ uri: { exact: /count } }]
      route: [{ destination: { host: httpbin, subset: v2, port: { number: 8000 } } }]
    - route: [{ destination: { host: httpbin, subset: v1, port: { number: 8000 } } }]
      mirror: { host: httpbin, subset: v2, port: { number: 8000 } }
      mirrorPercentage: { value: 100 }
`;

async function mirrored(context: SmokeContext): Promise<number> {
  const { version, seen } = JSON.parse((await httpbin(context, { path: '/count' })).body) as { version: string; seen: number };
  claim(version === 'v2', `/count was answered by ${version}, not by v2`);
  return seen;
}

/** The smoke step `mirror`; the line at the top of this file is what it claims. */
export const mirror: SmokeStep = (context) => withHttpbinRoutes(context, routes, async () => {
  await settled(context, 'the mirror', async () => {
    const before = await mirrored(context);
    await httpbin(context, { path: '/anything' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    return (await mirrored(context)) > before;
  }, 2);
  const before = await mirrored(context);
  const answers = await burst(REQUESTS, 4, () => httpbin(context, { path: '/anything' }));
  const versions = new Set(answers.map(({ status, body }) => (status === 200 ? (JSON.parse(body) as { version: string }).version : `status ${status}`)));
  claim(versions.size === 1 && versions.has('v1'), `answers came from ${[...versions].join(', ')}, not from v1 alone`);
  await waitUntil('the arrival of the copies', async () => {
    const count = (await mirrored(context)) - before;
    return count >= REQUESTS ? undefined : `${count} of ${REQUESTS} copies have arrived`;
  }, { signal: context.signal, timeoutMilliseconds: 10_000 });
  const count = (await mirrored(context)) - before;
  claim(count === REQUESTS, `${count} copies of ${REQUESTS} requests`);
  return { requests: REQUESTS, copies: count };
});
