// What the run claims is what the control plane tells the world, and what the committed report says was proved.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SUPPORTED_FEATURES } from '../../src/mesh/gateway-api/features.ts';
import { readExpectations, suiteArguments } from './expectations.ts';

const folder = join(import.meta.dirname, '../../test/conformance/gateway-api');
const expectations = readExpectations(folder);
/** Features that the profiles hold at level Core. */
const CORE = ['Gateway', 'ReferenceGrant', 'HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'Mesh'];

interface Part { result: string; statistics: { Passed: number; Failed: number; Skipped: number }; supportedFeatures?: string[]; failedTests?: string[]; skippedTests?: string[] }

describe('the conformance run', () => {
  it('claims the features that GatewayClasses show', () => {
    expect([...expectations.features, ...CORE].sort()).toEqual([...SUPPORTED_FEATURES].sort());
    for (const name of Object.keys(expectations.unclaimed)) expect(SUPPORTED_FEATURES).not.toContain(name);
  });

  it('hands the suite what it claims', () => {
    const args = suiteArguments({ ...expectations, profiles: ['A', 'B'], features: ['x', 'y'], skippedTests: { T: 'why' }, timeouts: { RequestTimeout: 3 } }, { report: '/r.yaml', quick: false, keep: false, version: 'v1' });
    expect(args).toEqual(expect.arrayContaining(['--conformance-profiles=A,B', '--supported-features=x,y', '--skip-tests=T', '--timeout-config-overrides=RequestTimeout:3', '--report-output=/r.yaml', '--version=v1']));
    expect(suiteArguments(expectations, { report: undefined, quick: true, keep: true, version: 'v1' }).join(' ')).toMatch(/--cleanup-base-resources=false(?!.*--report-output)/);
  });

  it('has a report in which everything that is claimed passed', () => {
    const report = parse(readFileSync(join(folder, 'report.yaml'), 'utf8')) as { profiles: ({ name: string; core: Part; extended?: Part })[] };
    expect(report.profiles.map(({ name }) => name).sort()).toEqual([...expectations.profiles].sort());
    for (const { name, core, extended } of report.profiles) {
      expect([core.result, core.statistics.Failed, core.statistics.Skipped], `${name} core`).toEqual(['success', 0, 0]);
      expect(core.statistics.Passed, `${name} core`).toBeGreaterThan(0);
      expect(extended?.statistics.Failed ?? 0, `${name} extended`).toBe(0);
      for (const feature of extended?.supportedFeatures ?? []) expect([...expectations.features, ...CORE]).toContain(feature);
    }
  });
});
