// The header mutation filter through the data plane.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeaderMutation } from '../../../../shared/xds/generated/envoy/config/common/mutation_rules/v3/mutation_rules.ts';
import { headerMutation } from '../../../config/small-filters.ts';
import { Harness } from '../../../listener/testdata/harness.ts';
import { compiled, refused, startWithFilter, type Arrived } from '../../testdata/one-filter.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.7.5');
});
afterEach(() => harness.close());

const append = (key: string, value: string, appendAction: 0 | 1 | 2 | 3 = 0): HeaderMutation => ({ action: { $case: 'append', append: { header: { key, value }, appendAction } } });
const remove = (name: string): HeaderMutation => ({ action: { $case: 'remove', remove: name } });
const changes = (requestMutations: HeaderMutation[], responseMutations: HeaderMutation[] = [], specific = false) => compiled((findings) => headerMutation({ requestMutations, responseMutations }, specific, '', findings));

describe('the header mutation filter', () => {
  it('makes its changes in their order', async () => {
    const { port } = await startWithFilter(harness, { name: 'm', ...changes([append('x-a', '%REQ(x-in)%', 2), remove('x-b'), append('x-b', 'after'), append('x-c', 'kept'), remove('x-c'), append('x-d', 'no', 1)], [append('x-code', '%RESPONSE_CODE%'), remove('x-app')]) });
    const answer = await harness.ask(port, '/missing', { headers: { 'x-in': 'told', 'x-b': 'before', 'x-d': 'mine' } });
    const { headers } = JSON.parse(answer.body) as Arrived;
    expect([headers['x-a'], headers['x-b'], headers['x-c'], headers['x-d']]).toEqual(['told', 'after', undefined, 'mine']);
    expect([answer.headers['x-code'], answer.headers['x-app']]).toEqual(['404', undefined]);
  });

  it('makes the changes of a route after its own', async () => {
    const { port } = await startWithFilter(harness, { name: 'm', ...changes([append('x-level', 'filter', 2)]) }, (to) => [to({ prefix: '/off', perFilter: { m: { disabled: true } } }), to({ perFilter: { m: changes([append('x-level', 'route', 2)]) } })]);
    const level = async (path: string): Promise<string | undefined> => (JSON.parse((await harness.ask(port, path)).body) as Arrived).headers['x-level'];
    expect([await level('/'), await level('/off')]).toEqual(['route', undefined]);
  });

  it('does not touch what frames a message, and needs a change', () => {
    expect(refused((findings) => headerMutation({ requestMutations: [{}, append(':path', '/x'), append('x-bad', 'a\nb')] }, false, 'm', findings))).toEqual(['m.mutations.request_mutations[0]', 'm.mutations.request_mutations[1].request_headers_to_add[0].header.key', 'm.mutations.request_mutations[2].request_headers_to_add[0].header.value']);
  });
});
