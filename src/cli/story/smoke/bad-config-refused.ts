// bad-config-refused: wrong objects are refused with object, field and reason, and the running traffic does not notice.
import { KubeError } from '../../../shared/kube/index.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, type SmokeStep } from './step.ts';
import { underLoad } from './traffic.ts';

const virtualService = (http: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: httpbin }
spec:
  hosts: [httpbin.example.com]
  gateways: [httpbin-gateway]
  http:
${http}
`;

const cases = [
  {
    name: 'a negative weight', mentions: ['weight'],
    yaml: virtualService(`    - route:
        - { destination: { host: httpbin, subset: v1 }, weight: -5 }
        - { destination: { host: httpbin, subset: v2 }, weight: 105 }`),
  },
  {
    name: 'a route without destination host', mentions: ['host'],
    yaml: virtualService(`    - route: [{ destination: { host: "" } }]`),
  },
  {
    name: 'a regular expression that is none', mentions: ['regex'],
    yaml: virtualService(`    - match: [{ uri: { regex: "([" } }]
      route: [{ destination: { host: httpbin } }]`),
  },
  {
    name: 'a gateway without hosts', mentions: ['hosts'],
    yaml: `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: httpbin-gateway }
spec:
  selector: { istio: ingressgateway }
  servers:
    - { port: { number: 80, name: http, protocol: HTTP }, hosts: [] }
`,
  },
] as const;

/** The smoke step `bad-config-refused`; the line at the top of this file is what it claims. */
export const badConfigRefused: SmokeStep = async (context) => {
  const send = async (): Promise<string | undefined> => {
    const { status } = await httpbin(context, { path: '/get' });
    return status === 200 ? undefined : `status ${status}`;
  };
  const { value, load } = await underLoad(25, send, async () => {
    const messages: string[] = [];
    for (const { name, yaml, mentions } of cases) {
      const error = await context.applier.apply(yaml, 'httpbin').then(() => undefined, (caught: unknown) => caught);
      claim(error instanceof KubeError && error.status >= 400 && error.status < 500, `${name} was ${error === undefined ? 'accepted' : `answered with ${String(error)}`}`);
      const missing = mentions.find((word) => !error.serverMessage.includes(word));
      claim(missing === undefined, `the refusal of ${name} does not name '${missing}': ${error.serverMessage}`);
      messages.push(error.serverMessage.slice(0, 300));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return messages;
  });
  claim(load.failed === 0, `${load.failed} of ${load.requests} requests failed meanwhile: ${load.failures.join('; ')}`);
  return { refused: cases.length, messages: value, requests: load.requests, failed: load.failed };
};
