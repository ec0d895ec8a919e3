// Turns ingest's tables into numbered snapshots of the mesh and publishes each one that differs from the one before.
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { errorIssue, type Issue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { buildSnapshot, compareSnapshots, withEndpoints, type MeshSnapshot, type SnapshotChange, type SnapshotInput } from '../../mesh/index.ts';
import type { IngestTables } from '../ingest/index.ts';
import { SettledTokenRules, type KeySetResolver } from '../key-sets/index.ts';
import { Debouncer, type ChangeScope, type DebounceLimits } from './debouncer.ts';

/** Settings of the publisher. */
export interface SnapshotOptions {
  /** Cluster domain, `cluster.local`. */
  readonly domain: string;
  readonly debounce: Readonly<Record<ChangeScope, DebounceLimits>>;
  /** Key sets of token issuers as they are fetched; without it none are. */
  readonly keySets?: KeySetResolver['table'];
  /** What the Gateway API adds; empty where it is not installed. */
  readonly gatewayApi?: ReadonlyTable<'current', NonNullable<SnapshotInput['gatewayApi']>>;
}

/** A published snapshot; `change` is undefined for the first. */
export interface PublishedSnapshot {
  readonly snapshot: MeshSnapshot;
  readonly change: SnapshotChange | undefined;
}

const buildSeconds = programMetrics.histogram('pilot_pushcontext_init_seconds', 'Time to build a snapshot.', [], [0.001, 0.01, 0.05, 0.1, 0.5, 1, 3, 5]);
const debounceSeconds = programMetrics.histogram('pilot_debounce_time', 'Time from the first change of a burst to its snapshot.', [], [0.01, 0.1, 1, 3, 5, 10, 20, 30]);
const triggers = programMetrics.counter('pilot_push_triggers', 'Snapshots published, by the kinds that changed.', ['type']);
const inboundUpdates = programMetrics.counter('pilot_inbound_updates', 'Changes received.', ['type']);
const services = programMetrics.gauge('pilot_services', 'Services of the mesh.');
const buildFailures = programMetrics.counter('pilot_snapshot_build_failures', 'Snapshots that could not be built or published; the one before stayed in force.');
const virtualServices = programMetrics.gauge('pilot_virt_services', 'Virtual services of the mesh.');

/** Builds and publishes snapshots. */
export class SnapshotPublisher {
  readonly name = 'snapshots';
  readonly #tables: IngestTables;
  readonly #meshConfig: ReadonlyTable<'current', MeshConfig>;
  readonly #options: SnapshotOptions;
  readonly #debouncer: Debouncer;
  readonly #tokenRules: SettledTokenRules | undefined;
  readonly #listeners = new Set<(published: PublishedSnapshot) => void>();
  readonly #log = createLogger('snapshot');
  #detach: (() => void)[] = [];
  #current: MeshSnapshot | undefined;
  #issues: readonly Issue[] = [];
  #failure: Issue | undefined;
  #missedFullBuild = false;
  #number = 0;

  constructor(tables: IngestTables, meshConfig: ReadonlyTable<'current', MeshConfig>, options: SnapshotOptions) {
    this.#tables = tables;
    this.#meshConfig = meshConfig;
    this.#options = options;
    this.#tokenRules = options.keySets ? new SettledTokenRules(options.keySets) : undefined;
    this.#debouncer = new Debouncer(options.debounce, (scope, waited) => this.#build(scope, waited));
  }

  /** The newest snapshot; undefined before ingest has synced. */
  get current(): MeshSnapshot | undefined {
    return this.#current;
  }

  /** What was found while relating the objects of the newest snapshot to one another, and why a newer one could not be built. */
  get issues(): readonly Issue[] {
    return this.#failure ? [this.#failure, ...this.#issues] : this.#issues;
  }

  /** Calls `listener` with every snapshot from now on; returns the way to stop it. */
  onPublish(listener: (published: PublishedSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Builds the first snapshot and follows the tables. */
  async start(): Promise<void> {
    const { namespaces, nodes, services: serviceTable, endpointSlices, pods, config } = this.#tables;
    const follow = (table: { subscribe(listener: () => void): () => void }, scope: ChangeScope, type: string): void => {
      this.#detach.push(table.subscribe(() => {
        inboundUpdates.add({ type });
        this.#debouncer.note(scope);
      }));
    };
    follow(namespaces, 'full', 'config');
    follow(nodes, 'full', 'svc');
    follow(serviceTable, 'full', 'svc');
    follow(endpointSlices, 'endpoints', 'eds');
    follow(pods, 'endpoints', 'eds');
    follow(config, 'full', 'config');
    follow(this.#meshConfig, 'full', 'config');
    if (this.#options.keySets) follow(this.#options.keySets, 'full', 'config');
    if (this.#options.gatewayApi) follow(this.#options.gatewayApi, 'full', 'config');
    this.#build('full', 0);
  }

  /** Stops following; the newest snapshot stays. */
  async stop(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach();
    this.#debouncer.cancel();
  }

  /** A build that fails leaves the snapshot before in force. It runs from a timer, where an exception would end the program and with it every proxy's updates. */
  #build(scope: ChangeScope, waitedMilliseconds: number): void {
    try {
      this.#make(scope, waitedMilliseconds);
      this.#failure = undefined;
    } catch (error) {
      buildFailures.add({});
      const message = error instanceof Error ? error.message : String(error);
      this.#failure = errorIssue('MESH_SNAPSHOT_FAILED', '', `The newest configuration could not be made into a snapshot (${message}); snapshot ${this.#number} stays in force. Take back the last change and report this.`);
      this.#log.error({ error: message, stack: error instanceof Error ? error.stack : undefined, inForce: this.#number }, 'the snapshot could not be built; the one before stays in force');
      // Endpoints alone must not pass for a whole build next time.
      this.#missedFullBuild ||= scope === 'full';
    }
  }

  #make(scope: ChangeScope, waitedMilliseconds: number): void {
    const started = performance.now();
    const before = this.#current;
    const next = scope === 'endpoints' && before && !this.#missedFullBuild ? this.#withEndpoints(before) : this.#whole(before);
    if (!next) return;
    this.#missedFullBuild = false;
    buildSeconds.observe({}, (performance.now() - started) / 1000);
    debounceSeconds.observe({}, waitedMilliseconds / 1000);
    const change = before ? compareSnapshots(before, next) : undefined;
    if (change && change.kinds.size === 0) return;
    this.#number = next.number;
    this.#current = next;
    services.set({}, next.services.size);
    virtualServices.set({}, next.virtualServices.length);
    for (const kind of change?.kinds ?? ['initial']) triggers.add({ type: kind });
    this.#log.info({ snapshot: next.number, kinds: [...(change?.kinds ?? ['initial'])], services: next.services.size, milliseconds: Math.round(performance.now() - started) }, 'snapshot published');
    for (const listener of this.#listeners) listener({ snapshot: next, change });
  }

  #withEndpoints(before: MeshSnapshot): MeshSnapshot {
    return withEndpoints(before, [...this.#tables.endpointSlices.values()], [...this.#tables.pods.values()], this.#number + 1).snapshot;
  }

  #whole(before: MeshSnapshot | undefined): MeshSnapshot | undefined {
    const meshConfig = this.#meshConfig.get('current');
    if (!meshConfig) return undefined;
    const { namespaces, nodes, services: serviceTable, endpointSlices, pods, config } = this.#tables;
    const gatewayApi = this.#options.gatewayApi?.get('current');
    const input: SnapshotInput = {
      number: this.#number + 1,
      meshConfig,
      rootNamespace: meshConfig.rootNamespace,
      domain: this.#options.domain,
      trustDomain: meshConfig.trustDomain,
      services: [...serviceTable.values()],
      endpointSlices: [...endpointSlices.values()],
      pods: [...pods.values()],
      namespaces: [...namespaces.values()],
      nodes: [...nodes.values()],
      config: this.#tokenRules ? this.#tokenRules.select(config.values()) : [...config.values()],
      ...(this.#tokenRules ? { keySets: this.#tokenRules.keySets() } : {}),
      ...(gatewayApi ? { gatewayApi } : {}),
    };
    const built = buildSnapshot(input, before);
    this.#issues = built.issues;
    return built.snapshot;
  }
}
