// header-route: the signed-in user jason sees reviews v2, others v1.
import { seeReviews, signIn } from './bookinfo-traffic.ts';
import { claim, sample, settled, withYaml, type SmokeStep } from './step.ts';
import { burst, tally } from './traffic.ts';

/** The smoke step `header-route`; the line at the top of this file is what it claims. */
export const headerRoute: SmokeStep = (context) => withYaml(context, 'bookinfo', sample(context, 'bookinfo/networking/virtual-service-reviews-test-v2.yaml'), async () => {
  const [jason, other] = [await signIn(context, 'jason'), await signIn(context, 'maria')];
  await settled(context, 'the routes by user', async () => {
    const [mine, theirs] = [await seeReviews(context.ingress, jason), await seeReviews(context.ingress)];
    return (mine.version === 'v2' && theirs.version === 'v1') || `jason sees ${mine.version}, others ${theirs.version}`;
  });
  const all = async (cookie?: string): Promise<Record<string, number>> => tally((await burst(30, 4, () => seeReviews(context.ingress, cookie))).map(({ version }) => version));
  const [mine, theirs, nobodys] = [await all(jason), await all(other), await all()];
  claim(mine['v2'] === 30, `jason saw ${JSON.stringify(mine)}`);
  claim(theirs['v1'] === 30 && nobodys['v1'] === 30, `others saw ${JSON.stringify(theirs)} and ${JSON.stringify(nobodys)}`);
  return { jason: mine, others: theirs, anonymous: nobodys };
});
