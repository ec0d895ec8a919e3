// Requests to Bookinfo through the ingress gateway, and what their answers mean.
import type { IngressClient, TimedResponse } from '../ingress.ts';
import type { SmokeContext } from './step.ts';

/** What an answer with reviews shows. */
export interface ReviewsSeen {
  readonly status: number;
  /** v1: no stars, v2: black, v3: red. */
  readonly version: 'v1' | 'v2' | 'v3' | 'none';
  readonly ratingsError: boolean;
  readonly milliseconds: number;
}

interface ReviewsBody { readonly reviews?: readonly { readonly rating?: { readonly color?: string; readonly error?: string } }[]; readonly podname?: string }

/** Asks for the reviews of book 0, as the signed-in user when there is a cookie. */
export async function seeReviews(ingress: IngressClient, cookie?: string, headers: Readonly<Record<string, string>> = {}): Promise<ReviewsSeen> {
  const response = await ingress.send({ path: '/api/v1/products/0/reviews', headers: { ...headers, ...(cookie ? { cookie } : {}) } });
  return readReviews(response);
}

/** Signs a user in; gives the cookie. */
export async function signIn({ ingress }: SmokeContext, user: string): Promise<string> {
  const body = new URLSearchParams({ username: user, passwd: 'x' }).toString();
  const response = await ingress.send({ path: '/login', method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
  const cookie = [response.headers['set-cookie'] ?? []].flat()[0]?.split(';')[0];
  if (response.status !== 302 || !cookie) throw new Error(`signing in as ${user} answered ${response.status} and ${cookie ? 'a' : 'no'} cookie`);
  return cookie;
}

function readReviews({ status, body, milliseconds }: TimedResponse): ReviewsSeen {
  if (status !== 200) return { status, version: 'none', ratingsError: false, milliseconds };
  const { reviews = [], podname = '' } = JSON.parse(body) as ReviewsBody;
  const ratings = reviews.map((review) => review.rating);
  const ratingsError = ratings.some((rating) => rating?.error !== undefined);
  const color = ratings.find((rating) => rating?.color !== undefined)?.color;
  const byPod = /-v([123])-/.exec(podname)?.[1];
  const version = color === 'black' ? 'v2' : color === 'red' ? 'v3' : ratingsError && byPod ? (`v${byPod}` as 'v2') : 'v1';
  return { status, version, ratingsError, milliseconds };
}
