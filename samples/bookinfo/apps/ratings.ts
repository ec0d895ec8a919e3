// Bookinfo's ratings service: stars given by each reviewer. POST changes them for as long as the process lives.
import { serve, type AppRequest, type AppResponse } from '../../app-server.ts';

const port = Number(process.argv[2] ?? process.env.SERVICE_PORT ?? 9080);
const given = new Map<number, Record<string, number>>();

function productId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function read({ params }: AppRequest): AppResponse {
  const id = productId(params[0]);
  if (id === undefined) return { status: 400, body: { error: 'please provide numeric product ID' } };
  return { body: { id, ratings: given.get(id) ?? { Reviewer1: 5, Reviewer2: 4 } } };
}

function change({ params, body }: AppRequest): AppResponse {
  const id = productId(params[0]);
  if (id === undefined) return { status: 400, body: { error: 'please provide numeric product ID' } };
  let ratings: unknown;
  try {
    ratings = JSON.parse(body.toString('utf8'));
  } catch {
    return { status: 400, body: { error: 'please provide valid ratings JSON' } };
  }
  if (typeof ratings !== 'object' || ratings === null || !Object.values(ratings).every((stars) => Number.isInteger(stars) && stars >= 0 && stars <= 5)) {
    return { status: 400, body: { error: 'ratings are whole numbers from 0 to 5 by reviewer' } };
  }
  given.set(id, ratings as Record<string, number>);
  return { body: { id, ratings } };
}

serve('ratings', port, [
  { method: 'GET', path: /^\/health$/, handler: () => ({ body: { status: 'Ratings is healthy' } }) },
  { method: 'GET', path: /^\/ratings\/([^/]+)$/, handler: read },
  { method: 'POST', path: /^\/ratings\/([^/]+)$/, handler: change },
]);
