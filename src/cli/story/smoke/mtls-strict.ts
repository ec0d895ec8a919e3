// mtls-strict-refuses-plaintext: a client without a proxy is served while the mode is PERMISSIVE and refused while it is STRICT; the mesh's own traffic goes on.
import { httpbin, httpbinPods, sendToPod } from './httpbin-traffic.ts';
import { claim, settled, withYaml, type SmokeStep } from './step.ts';
import { burst } from './traffic.ts';

const strict = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default }
spec: { mtls: { mode: STRICT } }
`;

/** The smoke step `mtls-strict-refuses-plaintext`; the line at the top of this file is what it claims. */
export const mtlsStrictRefusesPlaintext: SmokeStep = async (context) => {
  const [pod] = await httpbinPods(context, 'v2');
  claim(pod !== undefined, 'httpbin v2 has no pod');
  const plain = async (): Promise<string> => {
    try {
      return `status ${(await sendToPod(pod, 8080, { path: '/headers', timeoutMilliseconds: 3_000 })).status}`;
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };
  await settled(context, 'plain text to be served', async () => (await plain()) === 'status 200' || (await plain()));
  const refusals = await withYaml(context, 'httpbin', strict, async () => {
    await settled(context, 'plain text to be refused', async () => !(await plain()).startsWith('status') || (await plain()));
    const outcomes = await burst(10, 2, plain);
    const through = await burst(20, 4, () => httpbin(context, { path: '/get' }));
    claim(through.every(({ status }) => status === 200), `traffic through the gateway failed with ${through.find(({ status }) => status !== 200)?.status} under STRICT`);
    return outcomes;
  });
  const served = refusals.filter((outcome) => outcome.startsWith('status'));
  claim(served.length === 0, `plain text was answered under STRICT: ${served.join(', ')}`);
  await settled(context, 'plain text to be served again', async () => (await plain()) === 'status 200' || (await plain()));
  return { refused: refusals.length, refusal: refusals[0] ?? '', permissive_served: true };
};
