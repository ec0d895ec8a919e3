// What is written down of each cluster, so that a later command finds it, or clears away what an interrupted one left.
import { mkdirSync, readdirSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { IpFamily } from './cables.ts';
import { ClusterError } from './errors.ts';
import { isAlive, processIdentity, textOf, type ProcessIdentity } from '../toolchain/exclusive.ts';
import { cacheFolder } from '../toolchain/cache-folder.ts';
import { clusterFolder, MAXIMUM_CLUSTERS, STATE_ROOT } from './layout.ts';
import type { KubernetesMinor } from './model.ts';

/** A cluster as it is written down. */
export interface ClusterState {
  readonly name: string;
  readonly scope: 'apiserver' | 'node';
  readonly kubernetes: KubernetesMinor;
  readonly nodes: number;
  readonly proxyMode: 'iptables' | 'nftables';
  readonly ipFamily: IpFamily;
  readonly snapshotter: string;
  /** The folder of the Kubernetes binaries; empty before they are built. */
  readonly binaries: string;
  readonly apiServerUrl: string;
  /** The process that starts it. */
  readonly starter: ProcessIdentity | undefined;
  /** The supervisor of an API server alone; those of nodes are found by their cgroups. */
  readonly supervisor: ProcessIdentity | undefined;
  /** Who removes the cluster when its starter is gone; undefined when it is to outlive that. */
  readonly watchdog: ProcessIdentity | undefined;
  readonly ready: boolean;
}

const STATE_FILE = 'state.json';
const NAME = /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/;

/** The folder of a cluster of either scope. */
export function stateFolder(name: string, scope: ClusterState['scope']): string {
  return scope === 'node' ? clusterFolder(name) : join(cacheFolder(), 'api-servers', name);
}

/** Refuses a name that cannot stand in paths, cgroups and host names. */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw new ClusterError('CLUSTER_NAME', `'${name}' is no name for a cluster: use lower-case letters, digits and dashes, at most 30`);
}

/** Reads a cluster's state; undefined when there is none, or none that was written to its end. */
export function readState(name: string, scope: ClusterState['scope']): ClusterState | undefined {
  const text = textOf(join(stateFolder(name, scope), STATE_FILE));
  return text === undefined ? undefined : JSON.parse(text) as ClusterState;
}

/** Writes a cluster's state, wholly or not at all. */
export function writeState(state: ClusterState): void {
  const folder = stateFolder(state.name, state.scope);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, STATE_FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Whether another process is starting the cluster at this moment. */
export function isBeingStarted(state: ClusterState): boolean {
  return !state.ready && state.starter !== undefined && state.starter.pid !== process.pid && isAlive(state.starter);
}

/** The state of a cluster that this process begins to start. */
export function newState(state: Omit<ClusterState, 'starter' | 'supervisor' | 'watchdog' | 'ready' | 'binaries' | 'apiServerUrl'>): ClusterState {
  return { ...state, binaries: '', apiServerUrl: '', starter: processIdentity(process.pid), supervisor: undefined, watchdog: undefined, ready: false };
}

/** Names of the whole clusters that are written down. */
export function clusterNames(): string[] {
  try {
    return readdirSync(STATE_ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory() && NAME.test(entry.name)).map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function claimFile(index: number): string {
  return join(STATE_ROOT, `index-${index}`);
}

/** Takes the lowest free index for a cluster whose state is written down already; `isFree` tells whether the machine's network has room for it. */
export function claimIndex(name: string, isFree: (index: number) => boolean): number {
  for (let index = 0; index < MAXIMUM_CLUSTERS; index += 1) {
    const owner = textOf(claimFile(index));
    // Who claims has a folder before, and loses the claim with it.
    if (owner !== undefined && !clusterNames().includes(owner)) rmSync(claimFile(index), { force: true });
    if (!isFree(index)) continue;
    try {
      writeFileSync(claimFile(index), name, { flag: 'wx' });
      return index;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new ClusterError('CLUSTER_FULL', `all ${MAXIMUM_CLUSTERS} networks for clusters are taken; \`npm run cluster:down -- --all\` removes the clusters of this machine`);
}

/** The indices that a cluster has claimed: one, or none. */
export function claimedIndices(name: string): number[] {
  return Array.from({ length: MAXIMUM_CLUSTERS }, (_, index) => index).filter((index) => textOf(claimFile(index)) === name);
}

/** Gives up what a cluster claimed. */
export function releaseIndices(name: string): void {
  for (const index of claimedIndices(name)) rmSync(claimFile(index), { force: true });
}
