// What the run claims and skips: test/conformance/gateway-api/expectations.yaml, and the suite's arguments that follow from it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { UNUSABLE_ADDRESS, USABLE_ADDRESS } from './load-balancer.ts';

/** The content of expectations.yaml. */
export interface Expectations {
  /** Channel of the definitions that are installed. */
  readonly channel: 'standard' | 'experimental';
  readonly gatewayClass: string;
  readonly profiles: readonly string[];
  /** Extended features that are claimed and tested. */
  readonly features: readonly string[];
  /** Extended features that are not claimed, and why. */
  readonly unclaimed: Readonly<Record<string, string>>;
  /** Tests that are not run although their features are claimed, and why. */
  readonly skippedTests: Readonly<Record<string, string>>;
  /** Seconds by the suite's names. */
  readonly timeouts: Readonly<Record<string, number>>;
}

/** Reads the file in `folder`. */
export function readExpectations(folder: string): Expectations {
  const { channel = 'standard', gatewayClass = 'mizzen', profiles = [], features = [], unclaimed, skippedTests, timeouts } = parse(readFileSync(join(folder, 'expectations.yaml'), 'utf8')) as Partial<Expectations>;
  return { channel, gatewayClass, profiles, features, unclaimed: unclaimed ?? {}, skippedTests: skippedTests ?? {}, timeouts: timeouts ?? {} };
}

/** How one run differs. */
export interface SuiteRun {
  /** Where the report goes; none when undefined. */
  readonly report: string | undefined;
  /** Whether time limits are short, for a first look. */
  readonly quick: boolean;
  /** Whether what the suite makes for all of its tests stays, for looking at it and for another run. */
  readonly keep: boolean;
  /** Version of the mesh, for the report. */
  readonly version: string;
}

const IMPLEMENTATION = { organization: 'mizzen', project: 'mizzen', url: 'https://mizzen.invalid', contact: '@mizzen/maintainers' };

const QUICK = { MaxTimeToConsistency: 8, RequestTimeout: 4, GatewayMustHaveCondition: 20, HTTPRouteMustHaveCondition: 10, TLSRouteMustHaveCondition: 10, GatewayListenersMustHaveConditions: 15 };

/** The suite's arguments. */
export function suiteArguments({ gatewayClass, profiles, features, skippedTests, timeouts }: Expectations, { report, quick, keep, version }: SuiteRun): string[] {
  return [
    '-test.run=^TestConformance$', '-test.v', '-test.timeout=35m', '-test.parallel=3',
    `--gateway-class=${gatewayClass}`,
    `--conformance-profiles=${profiles.join(',')}`,
    `--supported-features=${features.join(',')}`,
    // The namespaces' pods are made in the same breath as they: so they say themselves whose they are, rather than to wait for the member roll.
    '--namespace-labels=maistra.io/member-of=istio-system',
    `--usable-address=${USABLE_ADDRESS}`,
    `--unusable-address=${UNUSABLE_ADDRESS}`,
    `--timeout-config-overrides=${Object.entries({ ...timeouts, ...(quick ? QUICK : {}) }).map(([name, seconds]) => `${name}:${seconds}`).join(';')}`,
    ...(Object.keys(skippedTests).length > 0 ? [`--skip-tests=${Object.keys(skippedTests).join(',')}`] : []),
    ...(keep ? ['--cleanup-base-resources=false'] : []),
    ...(report === undefined ? [] : [`--report-output=${report}`]),
    ...Object.entries({ ...IMPLEMENTATION, version }).map(([name, value]) => `--${name}=${value}`),
  ];
}
