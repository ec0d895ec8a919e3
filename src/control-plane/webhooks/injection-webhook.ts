// The mutating webhook /inject: a pod about to be created, answered with the patch that adds its proxy.
import { formatIssue } from '../../shared/lib/index.ts';
import type { HttpRoute } from '../../shared/http/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { injectPod, type InjectOptions, type Pod } from '../../mesh/inject/index.ts';
import { decodeAdmissionRequest, encodeAdmissionAnswer, type AdmissionAnswer, type AdmissionRequest } from './admission-review.ts';

/** The options of an injection into `namespace`; undefined while templates are missing. */
export type InjectionOptionsSource = (namespace: string) => InjectOptions | undefined;

const requests = programMetrics.counter('sidecar_injection_requests_total', 'Injection requests.');
const successes = programMetrics.counter('sidecar_injection_success_total', 'Pods that got a proxy.');
const failures = programMetrics.counter('sidecar_injection_failure_total', 'Injections that failed.');
const skips = programMetrics.counter('sidecar_injection_skip_total', 'Pods left alone.');
const seconds = programMetrics.histogram('sidecar_injection_time_seconds', 'Time of an injection.', [], [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]);
const log = createLogger('injection');

/** The webhook's routes: `/inject`, and `/inject/...` with Istio's cluster and network parts, which are accepted and not needed. */
export function injectionRoutes(options: InjectionOptionsSource): HttpRoute[] {
  const handler: HttpRoute['handler'] = (http) => {
    const started = performance.now();
    const request = decodeAdmissionRequest(http);
    requests.add({});
    const answer = answerInjection(request, options);
    seconds.observe({}, (performance.now() - started) / 1000);
    return encodeAdmissionAnswer(request, answer);
  };
  return [{ method: 'POST', path: '/inject', handler }, { method: 'POST', path: '/inject/*', handler }];
}

function answerInjection(request: AdmissionRequest, source: InjectionOptionsSource): AdmissionAnswer {
  const pod = request.object as Pod | undefined;
  const name = pod?.metadata?.name ?? pod?.metadata?.generateName ?? '';
  if (request.kind.kind !== 'Pod' || !pod) return { allowed: true };
  const options = source(request.namespace);
  if (!options) {
    failures.add({});
    return { allowed: false, code: 500, message: 'the injection templates are not loaded yet; the pod will be created again shortly' };
  }
  const outcome = injectPod(pod, options);
  if (!outcome.ok) {
    failures.add({});
    const message = `Pod ${request.namespace}/${name} cannot be injected: ${outcome.error.map(formatIssue).join('; ')}`;
    log.warn({ namespace: request.namespace, pod: name, issues: outcome.error.map(formatIssue) }, 'injection failed');
    return { allowed: false, message };
  }
  if ('skipped' in outcome.value) {
    skips.add({});
    log.debug({ namespace: request.namespace, pod: name, reason: outcome.value.skipped }, 'pod left alone');
    return { allowed: true };
  }
  successes.add({});
  log.info({ namespace: request.namespace, pod: name, reason: outcome.value.reason }, 'pod injected');
  return { allowed: true, patch: outcome.value.patch };
}
