import { describe, expect, it } from 'vitest';
import type { ServiceMeshMember } from '../../../shared/api/maistra/v1/service-mesh-member.ts';
import type { ServiceMeshMemberRoll } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import type { ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { requiredMembers } from './required-members.ts';
import { rollStatus } from './roll-status.ts';

const roll = (spec: object): ServiceMeshMemberRoll => ({ metadata: { name: 'default', namespace: 'istio-system', generation: 3 }, spec }) as ServiceMeshMemberRoll;
const namespace = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, labels } });
const cluster = [namespace('istio-system', { mesh: 'yes' }), namespace('mizzen-operator', { mesh: 'yes' }), namespace('kube-system', { mesh: 'yes' }), namespace('openshift-dns'), namespace('shop', { mesh: 'yes' }), namespace('bank', { tier: 'gold' })];

describe('requiredMembers', () => {
  it.each([
    ['names, present or not', { members: ['shop', 'later'] }, ['later', 'shop']],
    ['everything but the cluster\'s own, the operator\'s and the mesh\'s', { members: ['*'] }, ['bank', 'shop']],
    ['labels, any of the selectors', { memberSelectors: [{ matchLabels: { mesh: 'yes' } }, { matchExpressions: [{ key: 'tier', operator: 'In', values: ['gold'] }] }] }, ['bank', 'shop']],
    ['a system namespace when it is named', { members: ['kube-system'] }, ['kube-system']],
    ['nothing', {}, []],
  ])('takes %s', (_what, spec, expected) => {
    expect(requiredMembers(roll(spec), cluster, 'mizzen-operator')).toEqual(expected);
  });
});

describe('rollStatus', () => {
  const mesh = { status: { operatorVersion: '3.1.0', observedGeneration: 4 } } as ServiceMeshControlPlane;
  const member = (name: string, over: { version?: string; reconciled?: 'True' | 'False'; deleted?: boolean } = {}): ServiceMeshMember => ({
    metadata: { name: 'default', namespace: name, ...(over.deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) }, spec: { controlPlaneRef: { name: 'basic', namespace: 'istio-system' } },
    status: { meshReconciledVersion: over.version ?? '3.1.0-4', conditions: [{ type: 'Reconciled', status: over.reconciled ?? 'True', reason: 'R', message: '' }] },
  }) as unknown as ServiceMeshMember;

  it('tells configured, pending and terminating members apart', () => {
    const members = [member('ready'), member('behind', { version: '3.1.0-3' }), member('failing', { reconciled: 'False' }), member('leaving', { deleted: true })];
    expect(rollStatus({ roll: roll({}), mesh, required: ['ready', 'behind', 'failing', 'absent'], members, problems: [] })).toMatchObject({
      observedGeneration: 3, meshGeneration: 4, meshReconciledVersion: '3.1.0-4', annotations: { configuredMemberCount: '2/5' },
      members: ['absent', 'behind', 'failing', 'leaving', 'ready'], configuredMembers: ['behind', 'ready'], pendingMembers: ['absent', 'behind', 'failing'], terminatingMembers: ['leaving'],
      conditions: [{ type: 'Ready', status: 'False', reason: 'ReconcileError', message: 'The following namespaces are not yet configured: [absent behind failing]' }],
    });
  });

  it('is Configured when every member is, and has none configured without a mesh', () => {
    expect(rollStatus({ roll: roll({}), mesh, required: ['ready'], members: [member('ready')], problems: [] }).conditions).toMatchObject([{ status: 'True', reason: 'Configured' }]);
    expect(rollStatus({ roll: roll({}), mesh: undefined, required: ['ready'], members: [member('ready')], problems: [], failure: { reason: 'ErrSMCPMissing', message: 'none' } })).toMatchObject({ configuredMembers: [], conditions: [{ status: 'False', reason: 'ErrSMCPMissing' }] });
  });

  it('is not Configured before the mesh was reconciled once, so that Ready does not go back', () => {
    const young = { status: {} } as ServiceMeshControlPlane;
    const { status: _none, ...fresh } = member('ready');
    const configured = { ...fresh, status: { conditions: [{ type: 'Reconciled', status: 'True', reason: '', message: '' }] } } as unknown as ServiceMeshMember;
    expect(rollStatus({ roll: roll({}), mesh: young, required: ['ready'], members: [configured], problems: [] })).toMatchObject({ configuredMembers: ['ready'], pendingMembers: ['ready'], conditions: [{ status: 'False' }] });
  });
});
