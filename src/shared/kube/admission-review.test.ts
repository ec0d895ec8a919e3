import { describe, expect, it } from 'vitest';
import { decodeAdmissionReview, encodeAdmissionReview } from './admission-review.ts';

const review = (apiVersion: string) => ({
  apiVersion, kind: 'AdmissionReview',
  request: { uid: 'u1', operation: 'UPDATE', kind: { group: 'maistra.io', version: 'v2', kind: 'ServiceMeshControlPlane' }, object: { metadata: { name: 'a', namespace: 'n' } }, oldObject: null, userInfo: { username: 'jane', groups: ['g'] } },
});

describe('an AdmissionReview', () => {
  it.each(['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'])('of %s is answered in that version', (version) => {
    const request = decodeAdmissionReview(review(version));
    expect(request).toEqual({
      reviewVersion: version, uid: 'u1', kind: { group: 'maistra.io', version: 'v2', kind: 'ServiceMeshControlPlane' }, operation: 'UPDATE', namespace: 'n', name: 'a', dryRun: false,
      object: { metadata: { name: 'a', namespace: 'n' } }, oldObject: undefined, user: { username: 'jane', groups: ['g'], extra: {} },
    });
    expect(encodeAdmissionReview(request!, { allowed: true, patch: [{ op: 'add', path: '/a', value: 'ä' }], warnings: ['w'] })).toEqual({
      apiVersion: version, kind: 'AdmissionReview', response: { uid: 'u1', allowed: true, warnings: ['w'], patchType: 'JSONPatch', patch: Buffer.from('[{"op":"add","path":"/a","value":"ä"}]').toString('base64') },
    });
    expect(encodeAdmissionReview(request!, { allowed: false, message: 'no', code: 403 })).toMatchObject({ apiVersion: version, response: { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'no' } } });
  });

  it('is nothing else', () => {
    for (const body of [null, [], 'x', {}, { apiVersion: 'admission.k8s.io/v1' }, { ...review('admission.k8s.io/v2') }, { apiVersion: 'admission.k8s.io/v1', request: { uid: 7 } }]) expect(decodeAdmissionReview(body)).toBeUndefined();
  });
});
