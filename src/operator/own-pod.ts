// Who may see and change the operator's loggers: its metrics port is open to the whole cluster.
import { HttpError, type HttpRoute } from '../shared/http/index.ts';

/** The route for processes of this pod alone: what comes in by `kubectl exec` or `kubectl port-forward`. */
export function fromOwnPod(route: HttpRoute): HttpRoute {
  return {
    ...route,
    handler: (request) => {
      if (!/^(::ffff:)?127\.|^::1$/.test(request.remoteAddress)) throw new HttpError(403, 'loggers are shown and changed from within the pod only; use kubectl exec or kubectl port-forward');
      return route.handler(request);
    },
  };
}
