// What webhooks may answer to a review, and what becomes of an answer that is none.
import { ApiStatusError } from './internal-client.ts';

/** The response of an AdmissionReview. */
export interface ReviewResponse {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly status?: { code?: number; status?: string; reason?: string; message?: string; details?: unknown };
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

/** The response in an answer; throws an Error with Kubernetes' words when there is none that can be taken. */
export function readResponse(answer: unknown, uid: string, isMutating: boolean): ReviewResponse {
  const { apiVersion = '', kind = '', response } = (answer ?? {}) as { apiVersion?: string; kind?: string; response?: ReviewResponse };
  if (kind === 'AdmissionReview' && apiVersion === 'admission.k8s.io/v1beta1') throw new Error('failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion');
  const problem = response ? problemOf(response, uid, isMutating) : 'webhook response was absent';
  if (problem !== undefined) throw new Error(`received invalid webhook response: ${problem}`);
  return response as ReviewResponse;
}

function problemOf({ uid, patch = '', patchType }: ReviewResponse, expected: string, isMutating: boolean): string | undefined {
  if (uid !== expected) return `expected response.uid=${JSON.stringify(expected)}, got ${JSON.stringify(uid ?? '')}`;
  if (!isMutating) {
    if (patch !== '') return 'validating webhook may not return response.patch';
    return patchType === undefined ? undefined : 'validating webhook may not return response.patchType';
  }
  if (patch !== '' && patchType === undefined) return 'webhook returned response.patch but not response.patchType';
  if (patch === '' && patchType !== undefined) return 'webhook returned response.patchType but not response.patch';
  return undefined;
}

/** The answer to a request that a webhook denies. */
export function denial(webhook: string, { status = {} }: ReviewResponse): ApiStatusError {
  const { code = 0, reason = '', message = '', details } = status;
  const because = message === '' ? reason : message;
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  return new ApiStatusError(code < 400 ? 400 : code, reason, because === '' ? `${denied} without explanation` : `${denied}: ${because}`, details);
}
