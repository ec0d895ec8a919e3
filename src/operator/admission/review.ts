// Runs the operator's handlers on AdmissionReviews over HTTP.
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { HttpError, type HttpRequest, type HttpResponse } from '../../shared/http/index.ts';
import { decodeAdmissionReview, encodeAdmissionReview, type AdmissionAnswer, type AdmissionRequest } from '../../shared/kube/index.ts';

export type { AdmissionAnswer } from '../../shared/kube/index.ts';

/** One question of the API server, about an object. */
export interface AdmissionQuestion extends AdmissionRequest {
  readonly object: KubernetesObject;
}

/** One operation of a JSON patch. */
export interface PatchOperation {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** Answers questions. */
export type AdmissionHandler = (question: AdmissionQuestion) => Promise<AdmissionAnswer>;

/** The answer that lets a request through. */
export const allowed: AdmissionAnswer = { allowed: true };

/** A refusal: 400 for a broken rule, 403 for a missing permission. */
export function refused(message: string, code: 400 | 403 = 400): AdmissionAnswer {
  return { allowed: false, code, message };
}

/** Runs `handler` on the review in an HTTP request; objects that are being deleted are always let through. */
export async function answerReview(http: HttpRequest, handler: AdmissionHandler): Promise<HttpResponse> {
  const request = decodeAdmissionReview(http.json());
  if (!request) throw new HttpError(400, 'the body is not an AdmissionReview with a request');
  const question: AdmissionQuestion = { ...request, object: request.object ?? {} };
  return { body: encodeAdmissionReview(request, question.object.metadata?.deletionTimestamp ? allowed : await handler(question)) };
}
