// Bookinfo's product page: asks details and reviews, shows both, and keeps working when either does not answer.
import { callService, podName, serve, type AppRequest, type AppResponse, type CallOptions } from '../../app-server.ts';
import { renderPage, type Part, type Review } from '../page.ts';
import { sessionCookie, sessionUser } from '../session.ts';

const port = Number(process.argv[2] ?? process.env.SERVICE_PORT ?? 9080);
const domain = process.env.SERVICES_DOMAIN ? `.${process.env.SERVICES_DOMAIN}` : '';
const address = (name: string): string => {
  const prefix = name.toUpperCase();
  return `http://${process.env[`${prefix}_HOSTNAME`] ?? `${name}${domain}`}:${process.env[`${prefix}_SERVICE_PORT_NUMBER`] ?? '9080'}`;
};
const product = {
  id: 0,
  title: 'The Comedy of Errors',
  description: 'Shakespeare\'s shortest play sends two pairs of twins, parted at sea, through one day in Ephesus, where everybody mistakes everybody, and only the audience knows why.',
};
type Reviews = { readonly reviews: readonly Review[]; readonly podname?: string };

const services = {
  details: { path: '/details', options: { timeoutMilliseconds: 3_000, client: 'fetch' } satisfies CallOptions, error: 'Sorry, product details are currently unavailable for this book.' },
  // One more try: with the patience of the reviews service this is what makes an injected delay visible.
  reviews: { path: '/reviews', options: { timeoutMilliseconds: 3_000, attempts: 2 } satisfies CallOptions, error: 'Sorry, product reviews are currently unavailable for this book.' },
  ratings: { path: '/ratings', options: { timeoutMilliseconds: 3_000 } satisfies CallOptions, error: 'Sorry, product ratings are currently unavailable for this book.' },
} as const;

async function ask<T>(request: AppRequest, service: keyof typeof services, id: string): Promise<{ readonly status: number; readonly part: Part<T> }> {
  const { path, options, error } = services[service];
  const user = sessionUser(request.headers);
  const answer = await callService(request, `${address(service)}${path}/${id}`, { ...options, headers: user === undefined ? {} : { 'end-user': user } });
  if (answer?.status !== 200) return { status: answer && answer.status >= 400 ? answer.status : 500, part: { error } };
  try {
    return { status: 200, part: { data: JSON.parse(answer.body) as T } };
  } catch {
    return { status: 502, part: { error } };
  }
}

async function page(request: AppRequest): Promise<AppResponse> {
  const [details, reviews] = await Promise.all([ask<Record<string, unknown>>(request, 'details', '0'), ask<Reviews>(request, 'reviews', '0')]);
  const user = sessionUser(request.headers);
  return { headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, body: renderPage({ ...product, user, details: details.part, reviews: reviews.part, servedBy: podName }) };
}

function json(service: keyof typeof services) {
  return async (request: AppRequest): Promise<AppResponse> => {
    const { status, part } = await ask<object>(request, service, request.params[0] ?? '');
    return { status, body: 'data' in part ? part.data : { error: part.error } };
  };
}

function login({ body, headers }: AppRequest): AppResponse {
  const user = new URLSearchParams(body.toString('utf8')).get('username')?.trim().slice(0, 64) ?? '';
  const back = headers.referer && URL.canParse(headers.referer) ? new URL(headers.referer).pathname : '/productpage';
  return { status: 302, headers: { location: back.startsWith('//') ? '/productpage' : back, ...(user === '' ? {} : { 'set-cookie': sessionCookie(user) }) } };
}

serve('productpage', port, [
  { method: 'GET', path: /^\/health$/, handler: () => ({ body: 'Product page is healthy' }) },
  { method: 'GET', path: /^\/$/, handler: () => ({ status: 302, headers: { location: '/productpage' } }) },
  { method: 'GET', path: /^\/(?:productpage|index\.html)$/, handler: page },
  { method: 'POST', path: /^\/login$/, handler: login },
  { method: 'GET', path: /^\/logout$/, handler: () => ({ status: 302, headers: { location: '/productpage', 'set-cookie': sessionCookie(undefined) } }) },
  { method: 'GET', path: /^\/api\/v1\/products$/, handler: () => ({ body: [{ id: product.id, title: product.title, descriptionHtml: product.description }] }) },
  { method: 'GET', path: /^\/api\/v1\/products\/(\d+)$/, handler: json('details') },
  { method: 'GET', path: /^\/api\/v1\/products\/(\d+)\/reviews$/, handler: json('reviews') },
  { method: 'GET', path: /^\/api\/v1\/products\/(\d+)\/ratings$/, handler: json('ratings') },
]);
