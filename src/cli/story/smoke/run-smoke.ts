// Runs the steps of the smoke test in order. A step that fails does not keep the others from being tried: each leaves the mesh as it found it.
import { describeError } from '../../../shared/lib/index.ts';
import type { Progress } from '../../output/progress.ts';
import { authorizationDeny } from './authorization-deny.ts';
import { badConfigRefused } from './bad-config-refused.ts';
import { canarySplit } from './canary-split.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { consistentHash } from './consistent-hash.ts';
import { controlPlaneRestart } from './control-plane-restart.ts';
import { failedUpgradeRollsBack } from './failed-upgrade.ts';
import { faultAbort } from './fault-abort.ts';
import { faultDelay } from './fault-delay.ts';
import { headerRoute } from './header-route.ts';
import { ingress } from './ingress-step.ts';
import { injection } from './injection.ts';
import { install } from './install.ts';
import { memberRemoved } from './member-removed.ts';
import { metrics } from './metrics.ts';
import { mirror } from './mirror.ts';
import { mtlsStrictRefusesPlaintext } from './mtls-strict.ts';
import { retry } from './retry.ts';
import { spiffeIdentity } from './spiffe-identity.ts';
import type { Measured, SmokeContext, SmokeStep } from './step.ts';
import { timeout } from './timeout.ts';
import { tracing } from './tracing.ts';
import { uninstallClean } from './uninstall-clean.ts';
import { upgradeUnderLoad } from './upgrade-under-load.ts';

/** The steps by name, in their order. */
export const smokeSteps: readonly (readonly [string, SmokeStep])[] = [
  ['install', install],
  ['injection', injection],
  ['ingress', ingress],
  ['canary-split', canarySplit],
  ['header-route', headerRoute],
  ['fault-delay', faultDelay],
  ['fault-abort', faultAbort],
  ['timeout', timeout],
  ['retry', retry],
  ['circuit-breaker', circuitBreaker],
  ['mirror', mirror],
  ['consistent-hash', consistentHash],
  ['mtls-strict-refuses-plaintext', mtlsStrictRefusesPlaintext],
  ['spiffe-identity', spiffeIdentity],
  ['authorization-deny', authorizationDeny],
  ['bad-config-refused', badConfigRefused],
  ['metrics', metrics],
  ['tracing', tracing],
  ['member-removed', memberRemoved],
  ['control-plane-restart', controlPlaneRestart],
  ['upgrade-under-load', upgradeUnderLoad],
  ['failed-upgrade-rolls-back', failedUpgradeRollsBack],
  ['uninstall-clean', uninstallClean],
];

/** What came out of one step. */
export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly measured: Measured;
  /** Why the claim does not hold. */
  readonly error?: string;
}

/** Runs every step; stops early only when the user wants the program to end. */
export async function runSmoke(context: SmokeContext, progress: Progress): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const [name, step] of smokeSteps) {
    context.signal.throwIfAborted();
    try {
      const measured = await progress.run(name, () => step(context), (value) => summarize(value));
      results.push({ name, ok: true, measured });
    } catch (error) {
      if (context.signal.aborted) throw error;
      results.push({ name, ok: false, measured: {}, error: describeError(error) });
    }
  }
  progress.settle();
  for (const { name, ok, error } of results) if (!ok) context.log(`${name}: ${error ?? ''}`);
  return results;
}

/** The numbers of a step in one line. */
function summarize(measured: Measured): string {
  return Object.entries(measured).filter(([, value]) => typeof value === 'number' || (typeof value === 'string' && value.length < 40)).map(([name, value]) => `${name} ${String(value)}`).join(', ');
}
