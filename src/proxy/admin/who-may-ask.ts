// Who may use the HTTP interfaces that change the proxy or show its insides: programs of the pod, and no web page that a browser has open.
import { HttpError, type HttpRequest, type HttpRoute } from '../../shared/http/index.ts';

const LOCAL_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/** The pod's own addresses. In a sandbox, where every pod is in 127/8, 127.0.0.1 is no pod's. */
export function ownAddresses(podIps: readonly string[], bindAddress: string): ReadonlySet<string> {
  const named = [...podIps, bindAddress].filter((address) => address !== '' && address !== '0.0.0.0' && address !== '::');
  return new Set(podIps[0]?.startsWith('127.') ? named : [...named, '127.0.0.1', '::1']);
}

/** The route for requests from `own` addresses alone. */
export function ownPodOnly(route: HttpRoute, own: ReadonlySet<string>): HttpRoute {
  return {
    ...route,
    handler: (request) => {
      if (!own.has(request.remoteAddress.replace(/^::ffff:/, ''))) throw new HttpError(403, 'only requests from the pod itself are taken');
      return route.handler(request);
    },
  };
}

/** The route for requests to a loopback name that no foreign web page made: a page's own host name could be made to lead here. */
export function localProgramsOnly(route: HttpRoute): HttpRoute {
  return {
    ...route,
    handler: (request) => {
      const reason = foreign(request);
      if (reason !== undefined) throw new HttpError(403, reason);
      return route.handler(request);
    },
  };
}

function foreign({ headers }: HttpRequest): string | undefined {
  if (!LOCAL_HOST.test(headers.host ?? '')) return 'the admin interface is asked by the host name localhost, 127.0.0.1 or [::1]';
  const { origin } = headers;
  if (origin !== undefined && !LOCAL_HOST.test(origin.replace(/^https?:\/\//, ''))) return 'requests of web pages from elsewhere are not taken';
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'requests of other web sites are not taken';
  return undefined;
}
