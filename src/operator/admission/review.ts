// AdmissionReview (admission.k8s.io, v1 and v1beta1): decodes the question, runs a handler, encodes the answer.
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { HttpError, type HttpRequest, type HttpResponse } from '../../shared/http/index.ts';

/** One question of the API server. */
export interface AdmissionQuestion {
  readonly uid: string;
  readonly operation: string;
  readonly namespace: string;
  readonly object: KubernetesObject;
  readonly oldObject: KubernetesObject | undefined;
  readonly user: { readonly username: string; readonly groups: readonly string[]; readonly extra: Readonly<Record<string, readonly string[]>> };
}

/** One operation of a JSON patch. */
export interface PatchOperation {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** The answer to a question. */
export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** HTTP status of a refusal: 400 for a broken rule, 403 for a missing permission. */
  readonly status?: number;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly patch?: readonly PatchOperation[];
}

/** Answers questions. */
export type AdmissionHandler = (question: AdmissionQuestion) => Promise<AdmissionAnswer>;

/** The answer that lets a request through. */
export const allowed: AdmissionAnswer = { allowed: true };

/** A refusal for a broken rule. */
export function refused(message: string, status = 400): AdmissionAnswer {
  return { allowed: false, status, message };
}

interface Review {
  apiVersion?: string;
  kind?: string;
  request?: {
    uid?: string; operation?: string; namespace?: string; object?: KubernetesObject | null; oldObject?: KubernetesObject | null;
    userInfo?: { username?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}

/** Runs `handler` on the review in an HTTP request; objects that are being deleted are always let through. */
export async function answerReview(request: HttpRequest, handler: AdmissionHandler): Promise<HttpResponse> {
  const review = request.json() as Review | null;
  if (!review?.request?.uid || !review.apiVersion?.startsWith('admission.k8s.io/')) throw new HttpError(400, 'the body is not an AdmissionReview with a request');
  const question = questionOf(review);
  const answer = question.object.metadata?.deletionTimestamp ? allowed : await handler(question);
  return { body: { apiVersion: review.apiVersion, kind: 'AdmissionReview', response: encode(question.uid, answer) } };
}

function questionOf({ request = {} }: Review): AdmissionQuestion {
  const { uid = '', operation = '', namespace = '', object, oldObject, userInfo = {} } = request;
  return { uid, operation, namespace, object: object ?? {}, oldObject: oldObject ?? undefined, user: { username: userInfo.username ?? '', groups: userInfo.groups ?? [], extra: userInfo.extra ?? {} } };
}

function encode(uid: string, { allowed: isAllowed, status, message, warnings, patch }: AdmissionAnswer): object {
  return {
    uid, allowed: isAllowed,
    ...(isAllowed ? {} : { status: { code: status ?? 400, message: message ?? '', reason: status === 403 ? 'Forbidden' : 'BadRequest' } }),
    ...(warnings && warnings.length > 0 ? { warnings } : {}),
    ...(patch && patch.length > 0 ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : {}),
  };
}
