// retry: a request that fails twice succeeds when the rule allows retries, and fails when it does not.
import { randomUUID } from 'node:crypto';
import { httpbin } from './httpbin-traffic.ts';
import { claim, settled, withHttpbinRoutes, type SmokeStep } from './step.ts';
import { burst } from './traffic.ts';

const to = 'route: [{ destination: { host: httpbin, subset: v2, port: { number: 8000 } } }]';
const routes = `    - match: [{ headers: { x-mesh-test: { exact: retries } } }]
      retries: { attempts: 3, perTryTimeout: 2s, retryOn: "5xx" }
      ${to}
    - retries: { attempts: 0 }
      ${to}
`;

/** The smoke step `retry`; the line at the top of this file is what it claims. */
export const retry: SmokeStep = (context) => withHttpbinRoutes(context, routes, async () => {
  const flaky = async (failures: number, header: Record<string, string>) => {
    const { status, body } = await httpbin(context, { path: `/flaky?key=${randomUUID()}&fail=${failures}&status=500`, headers: header });
    return { status, attempt: status === 200 || status === 500 ? (JSON.parse(body) as { attempt: number }).attempt : 0 };
  };
  const withRetries = { 'x-mesh-test': 'retries' };
  await settled(context, 'the retries', async () => {
    const [retried, plain] = [await flaky(2, withRetries), await flaky(1, {})];
    return (retried.status === 200 && plain.status === 500) || `with retries ${retried.status}, without ${plain.status}`;
  });
  const saved = await burst(30, 4, () => flaky(2, withRetries));
  claim(saved.every(({ status, attempt }) => status === 200 && attempt === 3), `with three retries: ${JSON.stringify(saved.find(({ status, attempt }) => status !== 200 || attempt !== 3))}`);
  const exhausted = await burst(10, 4, () => flaky(9, withRetries));
  claim(exhausted.every(({ status, attempt }) => status === 500 && attempt === 4), `failing for ever: ${JSON.stringify(exhausted[0])}, expected the answer of the fourth attempt`);
  const plain = await burst(10, 4, () => flaky(1, {}));
  claim(plain.every(({ status, attempt }) => status === 500 && attempt === 1), `without retries: ${JSON.stringify(plain[0])}`);
  return { saved: saved.length, attempts_each: 3, exhausted_after: 4, without_retries_failed: plain.length };
});
