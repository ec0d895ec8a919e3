// Bookinfo's reviews service. Its versions differ by environment: v1 shows no stars, v2 black ones, v3 red ones (ENABLE_RATINGS, STAR_COLOR).
import { callService, podName, serve, type AppRequest, type AppResponse } from '../../app-server.ts';

const port = Number(process.argv[2] ?? process.env.SERVICE_PORT ?? 9080);
const ratingsEnabled = process.env.ENABLE_RATINGS === 'true';
const starColor = process.env.STAR_COLOR ?? 'black';
const domain = process.env.SERVICES_DOMAIN ? `.${process.env.SERVICES_DOMAIN}` : '';
const ratingsUrl = `http://${process.env.RATINGS_HOSTNAME ?? `ratings${domain}`}:${process.env.RATINGS_SERVICE_PORT_NUMBER ?? '9080'}/ratings`;
// The black stars are patient and the red ones are not: the difference that fault injection makes visible.
const ratingsTimeout = starColor === 'black' ? 10_000 : 2_500;

const texts = [
  { reviewer: 'Reviewer1', text: 'Two pairs of twins, one day, and not a dull minute in it. Farce has rarely been built with so few loose screws.' },
  { reviewer: 'Reviewer2', text: 'Short, quick and kind. It does not reach for the heights of the later plays and is the happier for it.' },
];

interface Rating { readonly stars?: number; readonly color?: string; readonly error?: string }

async function ratingsFor(request: AppRequest, id: string): Promise<Readonly<Record<string, number>> | undefined> {
  const answer = await callService(request, `${ratingsUrl}/${id}`, { timeoutMilliseconds: ratingsTimeout });
  if (answer?.status !== 200) return undefined;
  try {
    return (JSON.parse(answer.body) as { ratings?: Record<string, number> }).ratings;
  } catch {
    return undefined; // An unreadable answer is shown as no answer.
  }
}

async function reviews(request: AppRequest): Promise<AppResponse> {
  const id = request.params[0] ?? '';
  if (!/^\d+$/.test(id)) return { status: 400, body: { error: 'please provide numeric product id' } };
  const ratings = ratingsEnabled ? await ratingsFor(request, id) : undefined;
  const ratingOf = (reviewer: string): { rating?: Rating } => {
    if (!ratingsEnabled) return {};
    const stars = ratings?.[reviewer];
    return { rating: stars === undefined ? { error: 'Ratings service is currently unavailable' } : { stars, color: starColor } };
  };
  return { body: { id, podname: podName, clustername: 'null', reviews: texts.map((review) => ({ ...review, ...ratingOf(review.reviewer) })) } };
}

serve('reviews', port, [
  { method: 'GET', path: /^\/health$/, handler: () => ({ body: { status: 'Reviews is healthy' } }) },
  { method: 'GET', path: /^\/reviews\/([^/]+)$/, handler: reviews },
]);
