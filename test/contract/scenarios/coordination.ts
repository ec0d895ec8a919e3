// What programs coordinate themselves with: leases, by which one of several leads, and events, by which they tell what they did.
import type { Scenario } from '../scenario.ts';

const TABLE = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };

const leases: Scenario = {
  name: 'leases',
  run: async (api) => {
    const path = api.path('coordination.k8s.io/v1/leases');
    const spec = (holder: string, more: object = {}): object => ({ holderIdentity: holder, leaseDurationSeconds: 15, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:00:00.123456Z', leaseTransitions: 0, ...more });
    const lease = (name: string, body: object): object => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: body });
    const made = await api.post(path, lease('leader', spec('one')));
    await api.post(path, lease('leader', spec('two')));
    const first = made.body;
    await api.put(`${path}/leader`, { ...first, spec: spec('one', { renewTime: '2026-01-01T00:00:10.000000Z' }) });
    await api.put(`${path}/leader`, { ...first, spec: spec('two', { leaseTransitions: 1 }) });
    await api.put(`${path}/leader`, lease('leader', spec('two')));
    const { body: present } = await api.quiet('GET', `${path}/leader`);
    await api.put(`${path}/leader`, { ...present, spec: spec('two', { leaseTransitions: 1 }) });
    await api.patch('merge', `${path}/leader`, { spec: { holderIdentity: '' } });
    await api.patch('strategic', `${path}/leader`, { spec: { holderIdentity: 'three', renewTime: '2026-01-01T00:00:00Z' } });
    await api.patch('apply', `${path}/leader?fieldManager=m&force=true`, lease('leader', { holderIdentity: 'four' }));
    await api.patch('json', `${path}/leader`, [{ op: 'test', path: '/spec/holderIdentity', value: 'other' }, { op: 'replace', path: '/spec/holderIdentity', value: 'five' }]);
    await api.get(path, TABLE);
    for (const bad of [{ leaseDurationSeconds: 0 }, { leaseDurationSeconds: -1 }, { leaseTransitions: -1 }, { renewTime: 'soon' }, { renewTime: '2026-01-01' }, { acquireTime: 5 }, { holderIdentity: 5 }, { leaseDurationSeconds: '15' }, { strategy: 'OldestEmulationVersion' }, { strategy: 'Strange strategy', preferredHolder: 'x' }, { preferredHolder: 'x' }, { nonsense: 1 }])
      await api.post(`${path}?dryRun=All`, lease('bad', bad));
    await api.post(path, { metadata: { name: 'empty' } });
    await api.post(path, lease('short', { renewTime: '2026-01-01T00:00:00.000000Z', acquireTime: '2026-01-01T01:00:00.500000+01:00' }));
    await api.get(`${path}/short/status`);
    // Two who renew from the same version: one of them has to look again.
    const { body: contested } = await api.quiet('GET', `${path}/leader`);
    const both = await Promise.all(['left', 'right'].map((holder) => api.quiet('PUT', `${path}/leader`, { ...contested, spec: spec(holder) })));
    api.transcript.note('two at once', both.map(({ code }) => code).sort());
    await api.watch(`${path}?watch=true&fieldSelector=metadata.name%3Dshort`, 2, () => api.quiet('PATCH', `${path}/short`, { spec: { holderIdentity: 'w' } }, { type: 'application/merge-patch+json' }));
    await api.delete(`${path}/leader`, { preconditions: { resourceVersion: '1' } });
    await api.delete(`${path}/leader`);
  },
};

const events: Scenario = {
  name: 'events',
  run: async (api) => {
    const core = api.path('v1/events');
    const modern = api.path('events.k8s.io/v1/events');
    const event = (name: string, more: object = {}): object => ({ metadata: { name }, involvedObject: { kind: 'Pod', name: 'p', namespace: '{ns}', apiVersion: 'v1', uid: 'u1' }, reason: 'Because', message: `m of ${name}`, type: 'Warning', source: { component: 'contract', host: 'h1' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', count: 1, ...more });
    const modernEvent = (name: string, more: object = {}): object => ({ metadata: { name }, eventTime: '2026-01-01T00:00:00.000001Z', reportingController: 'example.com/contract', reportingInstance: 'contract-1', action: 'Acting', reason: 'Because', type: 'Normal', regarding: { kind: 'Pod', name: 'p', namespace: '{ns}', uid: 'u2' }, note: 'a note', ...more });
    await api.post(core, event('one'));
    await api.post(core, event('other', { involvedObject: { kind: 'Node', name: 'n', namespace: '' }, type: 'Normal', reason: 'Else' }));
    await api.post(modern, modernEvent('three'));
    for (const selector of ['involvedObject.kind=Pod', 'involvedObject.name=p,type=Warning', 'reason=Because', 'type!=Normal', 'reportingComponent=example.com/contract', 'source=contract', 'involvedObject.uid=u2', 'metadata.name=three', 'message=x']) {
      const { code, body } = await api.quiet('GET', `${core}?fieldSelector=${encodeURIComponent(selector)}`);
      api.transcript.note(`core events with ${selector}`, { code, names: body.items?.map(({ metadata }: { metadata: { name: string } }) => metadata.name), message: body.message });
    }
    for (const selector of ['regarding.kind=Pod', 'reportingController=example.com/contract', 'reason=Because', 'involvedObject.kind=Pod', 'type=Normal']) {
      const { code, body } = await api.quiet('GET', `${modern}?fieldSelector=${encodeURIComponent(selector)}`);
      api.transcript.note(`events with ${selector}`, { code, names: body.items?.map(({ metadata }: { metadata: { name: string } }) => metadata.name), message: body.message });
    }
    await api.get(`${modern}/one`);
    await api.get(`${core}/three`);
    await api.get(modern, TABLE);
    await api.patch('merge', `${core}/one`, { count: 2, lastTimestamp: '2026-01-01T00:00:05Z' });
    await api.patch('merge', `${modern}/three`, { series: { count: 2, lastObservedTime: '2026-01-01T00:00:05.000000Z' } });
    await api.patch('merge', `${modern}/three`, { note: 'another' });
    await api.patch('merge', `${modern}/one`, { note: 'another' });
    await api.put(`${core}/one`, event('one', { count: 3 }));
    await api.post(core, { ...event('generated'), metadata: { generateName: 'generated.' } });
    for (const [name, more] of Object.entries({
      'wrong-namespace': { involvedObject: { kind: 'Pod', name: 'p', namespace: 'elsewhere' } }, 'no-namespace': { involvedObject: { kind: 'Pod', name: 'p' } }, 'bad-type': { type: 'Odd' }, 'no-object': { involvedObject: undefined }, 'long-reason': { reason: 'r'.repeat(200) }, 'long-message': { message: 'm'.repeat(1100) }, 'timed': { eventTime: '2026-01-01T00:00:00.000000Z' },
      'timed-whole': { eventTime: '2026-01-01T00:00:00.000000Z', reportingComponent: 'example.com/c', reportingInstance: 'i', action: 'A' },
    })) await api.post(`${core}?dryRun=All`, event(name, more));
    for (const [name, more] of Object.entries({
      'no-time': { eventTime: undefined }, 'no-controller': { reportingController: undefined }, 'bad-controller': { reportingController: 'not a name!' }, 'no-instance': { reportingInstance: undefined }, 'no-action': { action: undefined }, 'no-reason': { reason: undefined }, 'bad-type': { type: 'Odd' }, 'long-note': { note: 'n'.repeat(1100) }, 'long-action': { action: 'a'.repeat(200) },
      'series': { series: { count: 0, lastObservedTime: '2026-01-01T00:00:05.000000Z' } }, 'series-one': { series: { count: 1 } }, 'deprecated': { deprecatedCount: 3 }, 'regarding-elsewhere': { regarding: { kind: 'Pod', name: 'p', namespace: 'elsewhere' } }, 'old-fields': { involvedObject: { kind: 'Pod' } },
    })) await api.post(`${modern}?dryRun=All`, modernEvent(name, more));
    await api.delete(`${modern}/three`);
    await api.delete(core);
  },
};

/** Scenarios of leases and events. */
export const COORDINATION_SCENARIOS: readonly Scenario[] = [leases, events];
