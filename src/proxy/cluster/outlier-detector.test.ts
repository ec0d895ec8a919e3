// Outlier detection by Envoy's rules, with a clock and dice of the test's own.
import { afterEach, describe, expect, it } from 'vitest';
import type { EndpointConfig, OutlierDetectionConfig } from '../config/runtime-config.ts';
import { Host } from './host.ts';
import { OutlierDetector, successThreshold } from './outlier-detector.ts';

const OFF = { enforcingPercent: 0, enforcingLocalOriginPercent: 0, minimumHosts: 5, requestVolume: 100 };
const CONFIG: OutlierDetectionConfig = {
  consecutive5xx: 3, enforcingConsecutive5xxPercent: 100, consecutiveGatewayFailure: 5, enforcingConsecutiveGatewayFailurePercent: 0, splitExternalLocalOriginErrors: false, consecutiveLocalOriginFailure: 2,
  enforcingConsecutiveLocalOriginFailurePercent: 100, successRate: { ...OFF, standardDeviationFactor: 1.9 }, failurePercentage: { ...OFF, thresholdPercent: 85 }, intervalMilliseconds: 10_000, baseEjectionMilliseconds: 30_000,
  maximumEjectionMilliseconds: 100_000, maximumEjectionPercent: 50, alwaysEjectOne: false, ejectionJitterMilliseconds: 0, successfulHealthCheckUnejects: true,
};

const open: OutlierDetector[] = [];
afterEach(() => {
  for (const detector of open.splice(0)) detector.close();
});

function world(over: Partial<OutlierDetectionConfig> = {}, count = 4, dice = 0.5) {
  const hosts = Array.from({ length: count }, (_unused, index) => {
    const endpoint: EndpointConfig = { address: { kind: 'socket', address: '127.0.0.1', port: index + 1 }, hostname: '', weight: 1, health: 'healthy', transportSocketMatch: {}, workload: '', labels: {} };
    return new Host(endpoint, endpoint.address, 0);
  });
  const counted: Record<string, number> = {};
  const clock = { now: 0 };
  const detector = new OutlierDetector({ ...CONFIG, ...over }, {
    now: () => clock.now, random: () => dice, hosts: () => hosts, onChange: () => undefined,
    count: (what) => {
      counted[what] = (counted[what] ?? 0) + 1;
    },
  });
  open.push(detector);
  const report = (index: number, ...statuses: number[]): void => statuses.forEach((status) => detector.report(hosts[index] as Host, status));
  const many = (index: number, requests: number, failures: number): void => {
    for (let turn = 0; turn < requests; turn += 1) report(index, turn % requests < failures ? (turn % 2 === 0 ? 500 : 599) : 200);
  };
  const ejected = (): string => hosts.map((host) => (host.ejected ? 'x' : '.')).join('');
  const sweepAt = (now: number): void => {
    clock.now = now;
    detector.sweep();
  };
  return { hosts, counted, detector, report, many, ejected, sweepAt };
}

describe('consecutive failures', () => {
  it('eject after so many in a row, whatever 5xx they are', () => {
    const { report, ejected, counted } = world();
    report(0, 500, 503, 200, 500, 500);
    report(1, 500, 501, 504);
    expect([ejected(), counted]).toEqual(['.x..', { ejections_detected_consecutive_5xx: 1, ejections_enforced_consecutive_5xx: 1, ejections_enforced_total: 1 }]);
  });

  it('of the gateway are counted apart, and detected without being enforced by default', () => {
    const quiet = world({ consecutive5xx: 100, consecutiveGatewayFailure: 2 });
    quiet.report(0, 502, 500, 502, 504);
    expect([quiet.ejected(), quiet.counted]).toEqual(['....', { ejections_detected_consecutive_gateway_failure: 1 }]);
    const loud = world({ consecutive5xx: 100, consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailurePercent: 100 });
    loud.report(0, 502, 503);
    expect(loud.ejected()).toBe('x...');
  });

  it('to connect count as 503 unless they are told apart', () => {
    const together = world();
    for (let turn = 0; turn < 3; turn += 1) together.detector.reportLocalOrigin(together.hosts[0] as Host, true);
    expect([together.ejected(), together.counted['ejections_enforced_consecutive_5xx']]).toEqual(['x...', 1]);
    const apart = world({ splitExternalLocalOriginErrors: true });
    const host = apart.hosts[0] as Host;
    for (const failed of [true, false, true]) apart.detector.reportLocalOrigin(host, failed);
    expect(apart.ejected()).toBe('....');
    apart.detector.reportLocalOrigin(host, true);
    expect([apart.ejected(), apart.counted['ejections_enforced_consecutive_local_origin_failure']]).toEqual(['x...', 1]);
  });

  it('eject only as often as the dice allow', () => {
    expect([world({ enforcingConsecutive5xxPercent: 50 }, 4, 0.49), world({ enforcingConsecutive5xxPercent: 50 }, 4, 0.51)].map(({ report, ejected }) => {
      report(0, 500, 500, 500);
      return ejected();
    })).toEqual(['x...', '....']);
  });
});

describe('limits', () => {
  it('leave enough hosts, and count what overflows', () => {
    const { report, ejected, counted } = world();
    for (const index of [0, 1, 2]) report(index, 500, 500, 500);
    expect([ejected(), counted['ejections_overflow']]).toEqual(['xx..', 1]);
  });

  it('with few hosts eject nobody at 10 percent, unless one always may', () => {
    const strict = world({ maximumEjectionPercent: 10 });
    strict.report(0, 500, 500, 500);
    const always = world({ maximumEjectionPercent: 10, alwaysEjectOne: true });
    for (const index of [0, 1]) always.report(index, 500, 500, 500);
    expect([strict.ejected(), always.ejected()]).toEqual(['....', 'x...']);
  });
});

describe('time', () => {
  it('grows with each ejection up to the longest, and shrinks with each good interval', () => {
    const { report, ejected, sweepAt } = world();
    report(0, 500, 500, 500);
    sweepAt(29_999);
    expect(ejected()).toBe('x...');
    sweepAt(30_000);
    expect(ejected()).toBe('....');
    report(0, 500, 500, 500);
    sweepAt(89_999);
    expect(ejected()).toBe('x...');
    sweepAt(90_000);
    expect(ejected()).toBe('....');
    sweepAt(100_000);
    sweepAt(110_000);
    report(0, 500, 500, 500);
    sweepAt(140_000);
    expect(ejected()).toBe('....');
  });

  it('has an upper end, and jitter', () => {
    const { report, ejected, sweepAt } = world({ ejectionJitterMilliseconds: 10_000 });
    let now = 0;
    for (let turn = 0; turn < 6; turn += 1) {
      report(0, 500, 500, 500);
      now += 105_000;
      sweepAt(now);
      expect(ejected()).toBe('....');
    }
    report(0, 500, 500, 500);
    sweepAt(now + 104_999);
    expect(ejected()).toBe('x...');
  });

  it('ends with a health check that succeeds, unless that is switched off', () => {
    const on = world();
    const off = world({ successfulHealthCheckUnejects: false });
    for (const each of [on, off]) {
      each.report(0, 500, 500, 500);
      each.detector.onHealthCheckSuccess(each.hosts[0] as Host);
    }
    expect([on.ejected(), off.ejected()]).toEqual(['....', 'x...']);
  });
});

describe('shares of answers', () => {
  it('are judged against the others: mean less so many deviations', () => {
    expect(successThreshold([50, 100, 100, 100, 100], 1.9)).toBe(52);
    const { many, sweepAt, ejected, counted } = world({ consecutive5xx: 1000, successRate: { ...OFF, enforcingPercent: 100, standardDeviationFactor: 1.9 } }, 6);
    for (let index = 1; index < 5; index += 1) many(index, 100, 0);
    many(0, 100, 50);
    // The sixth host has too few requests to be judged or to count.
    many(5, 99, 99);
    sweepAt(10_000);
    expect([ejected(), counted['ejections_enforced_success_rate']]).toEqual(['x.....', 1]);
  });

  it('need enough hosts and an interval of their own', () => {
    const { many, sweepAt, ejected } = world({ consecutive5xx: 1000, successRate: { ...OFF, enforcingPercent: 100, standardDeviationFactor: 1.9 } });
    for (let index = 0; index < 4; index += 1) many(index, 100, index === 0 ? 100 : 0);
    sweepAt(10_000);
    expect(ejected()).toBe('....');
    const halves = world({ consecutive5xx: 1000, failurePercentage: { ...OFF, enforcingPercent: 100, thresholdPercent: 50, minimumHosts: 1 } });
    halves.many(0, 60, 60);
    halves.sweepAt(10_000);
    halves.many(0, 60, 60);
    halves.sweepAt(20_000);
    expect(halves.ejected()).toBe('....');
  });

  it('of failures eject from the threshold on, also those of connections', () => {
    const failurePercentage = { ...OFF, enforcingPercent: 100, enforcingLocalOriginPercent: 100, thresholdPercent: 50, minimumHosts: 2, requestVolume: 10 };
    const { many, sweepAt, ejected } = world({ consecutive5xx: 1000, failurePercentage });
    many(0, 10, 5);
    many(1, 10, 4);
    sweepAt(10_000);
    expect(ejected()).toBe('x...');
    const local = world({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 1000, failurePercentage });
    for (let turn = 0; turn < 10; turn += 1) for (const index of [0, 1]) local.detector.reportLocalOrigin(local.hosts[index] as Host, index === 1);
    local.sweepAt(10_000);
    expect([local.ejected(), local.counted['ejections_enforced_local_origin_failure_percentage']]).toEqual(['.x..', 1]);
  });
});
