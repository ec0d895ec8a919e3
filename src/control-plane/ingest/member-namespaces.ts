// Which namespaces belong to this mesh: the member roll's configured members and our own. Everything else mizzend neither watches nor serves.
import { ServiceMeshMemberRollResource, type ServiceMeshMemberRoll } from '../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { Informer, type KubeClient } from '../../shared/kube/index.ts';

/** Where the roll is. */
export interface MemberNamespacesOptions {
  /** The control plane's own namespace, always a member. */
  readonly ownNamespace: string;
  /** Name of the ServiceMeshMemberRoll in the own namespace. */
  readonly memberRollName: string;
}

/** Follows the member roll; `table` holds the names of the member namespaces. */
export class MemberNamespaces {
  readonly name = 'member namespaces';
  readonly #options: MemberNamespacesOptions;
  readonly #rolls: Informer<ServiceMeshMemberRoll>;
  readonly #table = new Table<string, true>();
  readonly #log = createLogger('ingest');

  constructor(client: KubeClient, options: MemberNamespacesOptions) {
    this.#options = options;
    this.#rolls = new Informer(client, ServiceMeshMemberRollResource, { namespace: options.ownNamespace, optional: true });
    this.#table.set(options.ownNamespace, true);
  }

  /** The member namespaces' names. */
  get table(): ReadonlyTable<string, true> {
    return this.#table;
  }

  /** Reads the roll and follows it. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#rolls.start(signal);
    this.#rolls.onChange(() => this.#update());
    this.#update();
  }

  /** Stops following. */
  async stop(): Promise<void> {
    await this.#rolls.stop();
  }

  #update(): void {
    const { ownNamespace, memberRollName } = this.#options;
    const roll = this.#rolls.get(`${ownNamespace}/${memberRollName}`);
    const members = new Set([ownNamespace, ...(roll?.status?.configuredMembers ?? [])]);
    for (const namespace of [...this.#table.keys()]) {
      if (members.has(namespace)) continue;
      this.#table.delete(namespace);
      this.#log.info({ namespace }, 'namespace left the mesh');
    }
    for (const namespace of members) if (this.#table.set(namespace, true)) this.#log.info({ namespace }, 'namespace joined the mesh');
  }
}
