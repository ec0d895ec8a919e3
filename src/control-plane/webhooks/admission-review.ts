// AdmissionReviews over HTTP: decoding of what the API server sends, and the answers.
import { HttpError, type HttpRequest, type HttpResponse } from '../../shared/http/index.ts';
import { decodeAdmissionReview, encodeAdmissionReview, type AdmissionAnswer, type AdmissionRequest } from '../../shared/kube/index.ts';

export type { AdmissionAnswer, AdmissionRequest } from '../../shared/kube/index.ts';

/** The request inside an AdmissionReview; throws an HttpError 400 when it is none. */
export function decodeAdmissionRequest(http: HttpRequest): AdmissionRequest {
  const request = decodeAdmissionReview(http.json());
  if (!request) throw new HttpError(400, 'the body is not an AdmissionReview with a request');
  return request;
}

/** The AdmissionReview that answers `request`. */
export function encodeAdmissionAnswer(request: AdmissionRequest, answer: AdmissionAnswer): HttpResponse {
  return { body: encodeAdmissionReview(request, answer) };
}
