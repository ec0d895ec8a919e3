// The validating webhook /validate: the same checks as at ingest, before the object is stored, with a message that names object, field and reason.
import type { IstioKind } from '../../shared/api/istio-kinds.ts';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { formatIssue, type Issue } from '../../shared/lib/index.ts';
import { HttpError, type HttpRoute } from '../../shared/http/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { decodeAdmissionRequest, encodeAdmissionAnswer, type AdmissionAnswer, type AdmissionRequest } from './admission-review.ts';
import { warningForOperatorObject } from './operator-objects.ts';

/** The checks, given by ingest so that both say the same. */
export interface ConfigChecks {
  kind(kind: string, group: string): IstioKind | undefined;
  check(kind: IstioKind, object: KubernetesObject): { readonly issues: readonly Issue[] };
}

const passed = programMetrics.counter('galley_validation_passed', 'Objects found valid.', ['group', 'version', 'resource']);
const failed = programMetrics.counter('galley_validation_failed', 'Objects found invalid.', ['group', 'version', 'resource', 'reason']);
const httpErrors = programMetrics.counter('galley_validation_http_error', 'Validation requests that could not be read.', ['status']);
const log = createLogger('validation');

/** The webhook's routes: `/validate` and below. */
export function validationRoutes(checks: ConfigChecks): HttpRoute[] {
  const handler: HttpRoute['handler'] = (http) => {
    try {
      const request = decodeAdmissionRequest(http);
      return encodeAdmissionAnswer(request, answerValidation(request, checks));
    } catch (error) {
      httpErrors.add({ status: error instanceof HttpError ? error.status : 500 });
      throw error;
    }
  };
  return [{ method: 'POST', path: '/validate', handler }, { method: 'POST', path: '/validate/*', handler }];
}

function answerValidation(request: AdmissionRequest, checks: ConfigChecks): AdmissionAnswer {
  const { group, version } = request.kind;
  const kind = checks.kind(request.kind.kind, group);
  if (!kind || !request.object || request.operation === 'DELETE') return { allowed: true };
  const object = { ...request.object, metadata: { ...request.object.metadata, namespace: request.namespace } };
  const { issues } = checks.check(kind, object);
  const errors = issues.filter((issue) => issue.level === 'error');
  const undone = warningForOperatorObject(request);
  const warnings = [...(undone === undefined ? [] : [undone]), ...issues.filter((issue) => issue.level !== 'error').map(formatIssue)];
  if (errors.length === 0) {
    passed.add({ group, version, resource: kind.plural });
    return { allowed: true, warnings };
  }
  failed.add({ group, version, resource: kind.plural, reason: 'invalid_resource' });
  log.info({ kind: kind.kind, namespace: request.namespace, name: request.name, errors: errors.map(formatIssue) }, 'object refused');
  return { allowed: false, message: errors.map(formatIssue).join('; '), warnings };
}
