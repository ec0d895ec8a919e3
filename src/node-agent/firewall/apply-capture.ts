// Puts a capture plan into the kernel's packet filter and verifies it. Rules that are there already stay; others of ours, of an earlier capture, are replaced in the same step.
import { captureState, obsoleteRules, planCapture, restoreText, type AddressFamily, type CaptureOptions, type CapturePlan } from '../capture/index.ts';
import { chooseBackend, firewallTools, readSaved, type Backend, type SavedByBackend } from './backend.ts';
import { FirewallError, type RunProgram } from './run-program.ts';

/** What was done for one family. */
export interface AppliedCapture {
  readonly family: AddressFamily;
  readonly backend: Backend;
  readonly outcome: 'unchanged' | 'applied' | 'replaced';
}

/** How rules are put in place. */
export interface ApplyOptions {
  readonly families: readonly AddressFamily[];
  readonly run: RunProgram;
  /** The backend to use; chosen by looking when absent. */
  readonly backend?: Backend | undefined;
}

/** Rules of others stay; the lock of iptables-legacy, which all namespaces share, is waited for. */
const RESTORE_FLAGS = ['--noflush', '--wait=10'] as const;

/** Captures a namespace: applies the plan of each family and verifies it. Throws with what is wrong. */
export async function applyCapture(options: CaptureOptions, { families, run, backend }: ApplyOptions): Promise<AppliedCapture[]> {
  const applied: AppliedCapture[] = [];
  for (const family of families) applied.push(await applyPlan(planCapture(options, family), run, backend));
  return applied;
}

/** Takes every rule of a capture away, in both backends. */
export async function removeCapture(options: CaptureOptions, { families, run }: ApplyOptions): Promise<void> {
  for (const family of families) {
    const saved = await readSaved(family, run);
    for (const backend of ['nft', 'legacy'] as const) await clear(family, backend, saved, run);
    for (const route of planCapture({ ...options, mode: 'TPROXY' }, family).routes) {
      await run('ip', [...familyFlag(family), route.object, 'del', ...route.words]).catch(() => undefined); // not there is what is wanted
    }
  }
}

async function applyPlan(plan: CapturePlan, run: RunProgram, wanted: Backend | undefined): Promise<AppliedCapture> {
  const saved = await readSaved(plan.family, run);
  const backend = wanted ?? chooseBackend(saved);
  const tools = firewallTools(backend, plan.family);
  const state = captureState(plan, saved[backend] ?? '');
  if (state !== 'same') await run(tools.restore, RESTORE_FLAGS, restoreText(plan, obsoleteRules(saved[backend] ?? '')));
  await clear(plan.family, backend === 'nft' ? 'legacy' : 'nft', saved, run);
  await applyRoutes(plan, run);
  if (state !== 'same' && captureState(plan, await run(tools.save, [])) !== 'same') {
    throw new FirewallError(`${tools.restore} took the rules but ${tools.save} does not show them as they were given`);
  }
  return { family: plan.family, backend, outcome: state === 'same' ? 'unchanged' : state === 'absent' ? 'applied' : 'replaced' };
}

// Packets would pass through both captures when the other backend held one as well.
async function clear(family: AddressFamily, backend: Backend, saved: SavedByBackend, run: RunProgram): Promise<void> {
  const text = restoreText({ rules: [] }, obsoleteRules(saved[backend] ?? ''));
  if (text !== '') await run(firewallTools(backend, family).restore, RESTORE_FLAGS, text);
}

async function applyRoutes(plan: CapturePlan, run: RunProgram): Promise<void> {
  const flag = familyFlag(plan.family);
  for (const { object, words } of plan.routes) {
    // `ip rule add` adds a second one, so an earlier one goes first; the others are replaced in place.
    if (object === 'rule') await run('ip', [...flag, 'rule', 'del', ...words]).catch(() => undefined); // not there is what is wanted
    await run('ip', [...flag, object, object === 'rule' ? 'add' : 'replace', ...words]);
  }
}

function familyFlag(family: AddressFamily): string[] {
  return family === 'IPv6' ? ['-6'] : [];
}
