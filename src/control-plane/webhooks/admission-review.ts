// AdmissionReview (admission.k8s.io/v1): decoding of what the API server sends, and the answers.
import { HttpError, type HttpRequest, type HttpResponse } from '../../shared/http/index.ts';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';

/** The part of an admission request that the webhooks read. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: string;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
  readonly object: KubernetesObject | undefined;
}

/** What a webhook decides. */
export type AdmissionAnswer =
  | { readonly allowed: true; readonly patch?: readonly object[]; readonly warnings?: readonly string[] }
  | { readonly allowed: false; readonly message: string; readonly code?: number; readonly warnings?: readonly string[] };

/** The request inside an AdmissionReview; throws an HttpError 400 when it is none. */
export function decodeAdmissionRequest(http: HttpRequest): AdmissionRequest {
  const review = http.json() as { request?: Partial<AdmissionRequest> & { object?: unknown } } | null;
  const request = review?.request;
  if (typeof request !== 'object' || request === null || typeof request.uid !== 'string') throw new HttpError(400, 'the body is not an AdmissionReview with a request');
  const object = typeof request.object === 'object' && request.object !== null ? (request.object as KubernetesObject) : undefined;
  return {
    uid: request.uid, kind: decodeKind(request.kind), object,
    operation: request.operation ?? '', dryRun: request.dryRun === true,
    namespace: request.namespace ?? object?.metadata?.namespace ?? '', name: request.name || object?.metadata?.name || '',
  };
}

function decodeKind(kind: Partial<AdmissionRequest['kind']> | undefined): AdmissionRequest['kind'] {
  return { group: kind?.group ?? '', version: kind?.version ?? '', kind: kind?.kind ?? '' };
}

/** The AdmissionReview that answers `uid`. */
export function encodeAdmissionAnswer(uid: string, answer: AdmissionAnswer): HttpResponse {
  const warnings = answer.warnings && answer.warnings.length > 0 ? { warnings: answer.warnings } : {};
  const response = answer.allowed
    ? { uid, allowed: true, ...warnings, ...(answer.patch && answer.patch.length > 0 ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(answer.patch)).toString('base64') } : {}) }
    : { uid, allowed: false, ...warnings, status: { status: 'Failure', code: answer.code ?? 422, reason: answer.code === 500 ? 'InternalError' : 'Invalid', message: answer.message } };
  return { body: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response } };
}
