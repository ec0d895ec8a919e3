// AdmissionReview (admission.k8s.io, v1 and v1beta1): what the API server asks a webhook, and the answer. The operator's and the control plane's webhooks use it.
import type { KubernetesObject } from '../api/meta/index.ts';

/** One question of the API server. */
export interface AdmissionRequest {
  /** `apiVersion` of the review: the answer has the same. */
  readonly reviewVersion: string;
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: string;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
  readonly object: KubernetesObject | undefined;
  readonly oldObject: KubernetesObject | undefined;
  readonly user: { readonly username: string; readonly groups: readonly string[]; readonly extra: Readonly<Record<string, readonly string[]>> };
}

/** What a webhook decides; a refusal's `code` is the HTTP status that the client gets. */
export type AdmissionAnswer =
  | { readonly allowed: true; readonly patch?: readonly object[]; readonly warnings?: readonly string[] }
  | { readonly allowed: false; readonly message: string; readonly code?: number; readonly warnings?: readonly string[] };

interface Review {
  readonly apiVersion?: unknown;
  readonly request?: Readonly<Record<string, unknown>> | null;
}

const VERSIONS = ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'];
/** `reason` of a refusal by its code. */
const REASONS: Readonly<Record<number, string>> = { 400: 'BadRequest', 403: 'Forbidden', 422: 'Invalid', 500: 'InternalError' };

/** The request inside a review's body; undefined when the body is no review. */
export function decodeAdmissionReview(body: unknown): AdmissionRequest | undefined {
  const { apiVersion, request } = (isMap(body) ? body : {}) as Review;
  if (!VERSIONS.includes(String(apiVersion)) || !isMap(request) || typeof request['uid'] !== 'string' || request['uid'] === '') return undefined;
  const object = isMap(request['object']) ? (request['object'] as KubernetesObject) : undefined;
  const oldObject = isMap(request['oldObject']) ? (request['oldObject'] as KubernetesObject) : undefined;
  return {
    reviewVersion: String(apiVersion), uid: request['uid'], kind: kindOf(request['kind']), object, oldObject,
    operation: text(request['operation']), dryRun: request['dryRun'] === true,
    namespace: text(request['namespace']) || (object?.metadata?.namespace ?? ''), name: text(request['name']) || (object?.metadata?.name ?? ''),
    user: userOf(request['userInfo']),
  };
}

/** The body of the review that answers `request`. */
export function encodeAdmissionReview({ reviewVersion, uid }: Pick<AdmissionRequest, 'reviewVersion' | 'uid'>, answer: AdmissionAnswer): object {
  const warnings = answer.warnings && answer.warnings.length > 0 ? { warnings: answer.warnings } : {};
  return { apiVersion: reviewVersion, kind: 'AdmissionReview', response: { uid, allowed: answer.allowed, ...warnings, ...(answer.allowed ? patchOf(answer.patch) : { status: statusOf(answer.message, answer.code ?? 422) }) } };
}

function patchOf(patch: readonly object[] | undefined): object {
  return patch && patch.length > 0 ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : {};
}

function statusOf(message: string, code: number): object {
  return { status: 'Failure', code, reason: REASONS[code] ?? 'Unknown', message };
}

function kindOf(kind: unknown): AdmissionRequest['kind'] {
  const map = isMap(kind) ? kind : {};
  return { group: text(map['group']), version: text(map['version']), kind: text(map['kind']) };
}

function userOf(info: unknown): AdmissionRequest['user'] {
  const { username, groups, extra } = (isMap(info) ? info : {}) as { username?: string; groups?: string[]; extra?: Record<string, string[]> };
  return { username: text(username), groups: groups ?? [], extra: extra ?? {} };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
