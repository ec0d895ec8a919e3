// authorization-deny: a caller not allowed by identity gets 403, a denied path gets 403, the rest goes on.
import { seeReviews } from './bookinfo-traffic.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst, tally } from './traffic.ts';

const denyPath = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: no-uuids }
spec:
  selector: { matchLabels: { app: httpbin } }
  action: DENY
  rules:
    - to: [{ operation: { paths: ["/uuid", "/bytes/*"], methods: [GET] } }]
`;

/** The smoke step `authorization-deny`; the line at the top of this file is what it claims. */
export const authorizationDeny: SmokeStep = async (context) => {
  const allowProductPage = sample(context, 'bookinfo/networking/only-productpage-reads-reviews.yaml');
  const statuses = async (): Promise<Record<string, number>> => tally((await burst(24, 4, () => seeReviews(context.ingress))).map(({ status }) => String(status)));
  const settledAt = (status: number) => settled(context, `status ${status} from reviews`, async () => {
    const seen = (await burst(6, 3, () => seeReviews(context.ingress))).map((one) => one.status);
    return seen.every((one) => one === status) || seen.join(', ');
  }, 2);
  const denied = await withYaml(context, 'bookinfo', allowProductPage.replace('sa/bookinfo-productpage', 'sa/bookinfo-details'), async () => {
    await settledAt(403);
    return statuses();
  });
  claim(denied['403'] === 24, `callers not on the list got ${JSON.stringify(denied)}`);
  const allowed = await withYaml(context, 'bookinfo', allowProductPage, async () => {
    await settledAt(200);
    return statuses();
  });
  claim(allowed['200'] === 24, `the caller on the list got ${JSON.stringify(allowed)}`);
  const byPath = await withYaml(context, 'httpbin', denyPath, async () => {
    await settled(context, 'the denial of a path', async () => (await httpbin(context, { path: '/uuid' })).status === 403, 8);
    return { uuid: await httpbin(context, { path: '/uuid' }), bytes: await httpbin(context, { path: '/bytes/5' }), get: await httpbin(context, { path: '/get' }) };
  });
  claim(byPath.uuid.status === 403 && byPath.bytes.status === 403 && byPath.get.status === 200, `denied paths: ${byPath.uuid.status}, ${byPath.bytes.status}; another: ${byPath.get.status}`);
  claim(byPath.uuid.body.includes('RBAC: access denied'), `the refusal says: ${byPath.uuid.body.slice(0, 80)}`);
  await settledAt(200);
  return { denied_by_identity: denied['403'], allowed_by_identity: allowed['200'], denied_by_path: 2 };
};
