// External authorization of connections through the data plane: a real service is asked before bytes go on.
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckRequest, CheckResponse } from '../../../../shared/xds/generated/envoy/service/auth/v3/external_auth.ts';
import type { ExtAuthz } from '../../../../shared/xds/generated/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts';
import { networkExtAuthz } from '../../../config/ext-authz.ts';
import type { NetworkFilterConfig, RbacRulesConfig } from '../../../config/filter-config.ts';
import { cluster, endpoint, filterChain, listener, runtimeConfig } from '../../../listener/testdata/config-builder.ts';
import { Harness, wait } from '../../../listener/testdata/harness.ts';
import { StatsStore } from '../../../stream/stats-store.ts';
import { compiled } from '../../testdata/one-filter.ts';
import { UnaryService } from '../../testdata/unary-service.ts';

let harness: Harness;
let service: UnaryService;
let questions: CheckRequest[] = [];
let stats: StatsStore;
beforeEach(() => {
  harness = new Harness('127.81.7.7');
  questions = [];
  stats = new StatsStore();
});
afterEach(async () => {
  await harness.close();
  service.close();
});

const OK: CheckResponse = { status: { code: 0 } };
const DENIED: CheckResponse = { status: { code: 7 } };
const MESSAGE: ExtAuthz = { statPrefix: 'tcp.', grpcService: { targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'auth' } }, timeout: { seconds: 1 } } };
const BY_METADATA: ExtAuthz['filterEnabledMetadata'] = { filter: 'envoy.filters.network.rbac', path: [{ segment: { $case: 'key', key: 'istio_ext_authz_shadow_effective_policy_id' } }], value: { matchPattern: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'prefix', prefix: 'istio-ext-authz' } } } } };

/** A port behind which a server greets at once and then echoes. */
async function proxy(message: ExtAuthz, handler: () => Promise<CheckResponse | number> | CheckResponse | number, matched = true): Promise<number> {
  service = await UnaryService.start(harness.address, async (_path, bytes) => {
    questions.push(CheckRequest.decode(bytes));
    const given = await handler();
    return typeof given === 'number' ? given : CheckResponse.encode(given).finish();
  });
  const app = await harness.tcpServer((socket) => {
    socket.write('hello ');
    socket.pipe(socket);
  });
  const shadowRules: RbacRulesConfig = { action: 'deny', policies: [{ name: 'istio-ext-authz-p-rule', permissions: [{ kind: 'any' }], principals: [{ kind: 'direct_remote_ip', range: matched ? '127.0.0.0/8' : '10.0.0.0/8' }] }] };
  const filters: NetworkFilterConfig[] = [
    { kind: 'rbac', statPrefix: 'tcp.', rules: null, shadowRules, shadowStatPrefix: 'istio_ext_authz_' }, compiled((findings) => networkExtAuthz(message, '', findings)),
    { kind: 'tcp_proxy', statPrefix: 'app', clusters: [{ name: 'app', weight: 1 }], totalWeight: 1, idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, accessLogs: [], hashSourceIp: false },
  ];
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain(filters)])],
    clusters: [cluster('app', [endpoint(harness.address, app)]), cluster('auth', [endpoint(harness.address, service.port)], { protocol: { ...cluster('x', []).protocol, http: 'http2' } })],
  }), { stats });
  return harness.portOf(plane, 'in');
}

const counter = (what: string): number => stats.counter(`ext_authz.tcp.${what}`).value;

describe('external authorization of connections', () => {
  it.each<{ what: string; settings: ExtAuthz; answer: () => Promise<CheckResponse | number> | CheckResponse | number; text: string; closed: boolean; counted: string }>([
    { what: 'an allowed one', settings: {}, answer: () => OK, text: 'hello early', closed: false, counted: 'ok' },
    { what: 'a denied one', settings: {}, answer: () => DENIED, text: '', closed: true, counted: 'denied' },
    { what: 'one that could not be asked about', settings: {}, answer: () => 14, text: '', closed: true, counted: 'error' },
    { what: 'one that could not be asked about and may pass', settings: { failureModeAllow: true }, answer: () => 14, text: 'hello early', closed: false, counted: 'failure_mode_allowed' },
    { what: 'one that is asked about slowly', settings: {}, answer: () => wait(100).then(() => OK), text: 'hello early', closed: false, counted: 'ok' },
    { what: 'one that rules name', settings: { filterEnabledMetadata: BY_METADATA }, answer: () => DENIED, text: '', closed: true, counted: 'denied' },
  ])('gives $what its end', async ({ settings, answer, text, closed, counted }) => {
    const port = await proxy({ ...MESSAGE, ...settings }, answer);
    expect(await harness.raw(port, 'early', 400)).toEqual({ text, closed });
    expect(counter(counted)).toBe(1);
    expect(questions[0]?.attributes?.source?.address?.address).toMatchObject({ $case: 'socketAddress' });
    expect(questions[0]?.attributes?.request).toBeUndefined();
  });

  it('asks nobody about what no rule names', async () => {
    const port = await proxy({ ...MESSAGE, filterEnabledMetadata: BY_METADATA }, () => DENIED, false);
    expect((await harness.raw(port, 'early')).text).toBe('hello early');
    expect([questions.length, counter('disabled')]).toEqual([0, 1]);
  });

  it('forgets a client that leaves', async () => {
    const port = await proxy(MESSAGE, () => wait(200).then(() => OK));
    const socket = connect({ host: harness.address, port });
    await wait(50);
    socket.resetAndDestroy();
    await wait(300);
    expect([questions.length, counter('ok'), stats.gauge('cluster.auth.upstream_rq_active').value, stats.counter('cluster.app.upstream_cx_total').value]).toEqual([1, 0, 0, 0]);
  });
});
