import { describe, expect, it } from 'vitest';
import type { AdmissionRequest } from './admission-review.ts';
import { warningForOperatorObject } from './operator-objects.ts';

const labels = { 'app.kubernetes.io/managed-by': 'maistra-istio-operator', 'maistra.io/owner': 'istio-system', 'maistra.io/owner-name': 'basic' };

function request(over: { readonly username?: string; readonly labels?: Record<string, string>; readonly operation?: string } = {}): AdmissionRequest {
  const object = { metadata: { name: 'default', namespace: 'istio-system', labels: over.labels ?? labels } };
  return {
    reviewVersion: 'admission.k8s.io/v1', uid: 'u', kind: { group: 'security.istio.io', version: 'v1', kind: 'PeerAuthentication' }, operation: over.operation ?? 'UPDATE', namespace: 'istio-system', name: 'default', dryRun: false,
    object, oldObject: object, user: { username: over.username ?? 'jane', groups: [], extra: {} },
  } as unknown as AdmissionRequest;
}

describe('a change of an object that the operator keeps', () => {
  it('is answered with a warning that names the control plane and the field', () => {
    expect(warningForOperatorObject(request())).toBe('PeerAuthentication istio-system/default is kept by the operator as ServiceMeshControlPlane istio-system/basic says: this change will be undone. Change spec.security.dataPlane.mtls there instead.');
  });

  it.each([
    ['of the operator', { username: 'system:serviceaccount:mizzen-operator:mizzen-operator' }],
    ['that makes one', { operation: 'CREATE' }],
    ['of somebody else\'s object', { labels: {} }],
  ])('%s is not', (_what, over) => {
    expect(warningForOperatorObject(request(over))).toBeUndefined();
  });
});
