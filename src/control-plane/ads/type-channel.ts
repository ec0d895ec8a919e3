// One type of resource on one stream: what is subscribed, what was sent, and how resources become a response. The two protocol variants differ only here.
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { DeltaSubscription, SotwSubscription, WILDCARD_TYPES, type RequestOutcome, type SubscriptionStatus } from '../../shared/xds/index.ts';
import type { NamedResource } from '../../mesh/index.ts';

/** Name under which mizzend presents itself in responses. */
const CONTROL_PLANE = { identifier: 'mizzend' };

/** Resources to be sent, and what they are. */
export interface Answer {
  readonly resources: readonly NamedResource[];
  /** The resources are all that is subscribed, not a part of it. */
  readonly complete: boolean;
  /** Names that were asked for in this answer's request; those without a resource do not exist. */
  readonly asked?: readonly string[];
  /** The proxy waits for the answer, so it is sent even when it says nothing new. */
  readonly awaited: boolean;
  readonly version: string;
  readonly nonce: string;
}

/** One type on one stream. */
export interface TypeChannel<Request, Response> {
  readonly typeUrl: string;
  readonly active: boolean;
  readonly wildcard: boolean;
  readonly names: ReadonlySet<string>;
  readonly status: SubscriptionStatus;
  /** Number of resources the proxy was sent and has not been told to remove. */
  readonly heldCount: number;
  receive(request: Request): RequestOutcome;
  /**
   * Lets the assignments of clusters that were just sent go out again, since an Envoy warms a changed cluster until it sees one, be it the same.
   * A state-of-the-world proxy asks for them, and is answered; for a delta proxy, which does not ask, gives true when they are to be sent now.
   */
  rewarm(clusters: readonly string[]): boolean;
  /** The response, noted as sent; undefined when the proxy has it all already. */
  respond(answer: Answer): { readonly message: Response; readonly sent: readonly NamedResource[] } | undefined;
}

/** The state-of-the-world channel for a type. */
export function sotwChannel(typeUrl: string): TypeChannel<DiscoveryRequest, DiscoveryResponse> {
  return new SotwChannel(typeUrl);
}

/** The delta channel for a type. */
export function deltaChannel(typeUrl: string): TypeChannel<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  return new DeltaChannel(typeUrl);
}

class SotwChannel implements TypeChannel<DiscoveryRequest, DiscoveryResponse> {
  readonly typeUrl: string;
  readonly #subscription: SotwSubscription;
  #held = new Map<string, string>();

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
    this.#subscription = new SotwSubscription(typeUrl);
  }

  get active(): boolean {
    return this.#subscription.active;
  }

  get wildcard(): boolean {
    return this.#subscription.wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#subscription.names;
  }

  get status(): SubscriptionStatus {
    return this.#subscription.status;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  receive(request: DiscoveryRequest): RequestOutcome {
    const outcome = this.#subscription.receive(request);
    if (outcome.kind === 'nack' || outcome.kind === 'unsubscribed') this.#held.clear();
    if (outcome.kind === 'names-removed') for (const name of this.#held.keys()) if (!this.names.has(name)) this.#held.delete(name);
    return outcome;
  }

  rewarm(): boolean {
    if (this.#subscription.active) this.#subscription.rewarm();
    return false;
  }

  respond({ resources, complete, awaited, version, nonce }: Answer): { message: DiscoveryResponse; sent: readonly NamedResource[] } | undefined {
    const changed = resources.filter((resource) => this.#held.get(resource.name) !== resource.version);
    // Clusters and listeners go out whole or not at all: what such a response lacks is removed by the proxy.
    const whole = WILDCARD_TYPES.has(this.typeUrl);
    const removed = complete && this.#held.size > resources.length;
    if (!awaited && changed.length === 0 && !(whole && removed)) return undefined;
    const sent = whole || awaited ? resources : changed;
    if (complete) this.#held = new Map(resources.map((resource) => [resource.name, resource.version]));
    else for (const resource of sent) this.#held.set(resource.name, resource.version);
    this.#subscription.sent(nonce, version);
    return {
      sent,
      message: { versionInfo: version, typeUrl: this.typeUrl, nonce, controlPlane: CONTROL_PLANE, resources: sent.map((resource) => ({ typeUrl: resource.typeUrl, value: resource.encode() })) },
    };
  }
}

class DeltaChannel implements TypeChannel<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  readonly typeUrl: string;
  readonly #subscription: DeltaSubscription;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
    this.#subscription = new DeltaSubscription(typeUrl);
  }

  get active(): boolean {
    return this.#subscription.active;
  }

  get wildcard(): boolean {
    return this.#subscription.wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#subscription.names;
  }

  get status(): SubscriptionStatus {
    return this.#subscription.status;
  }

  get heldCount(): number {
    return this.#subscription.held.size;
  }

  receive(request: DeltaDiscoveryRequest): RequestOutcome {
    return this.#subscription.receive(request);
  }

  rewarm(clusters: readonly string[]): boolean {
    return this.#subscription.sendAgain(clusters);
  }

  respond({ resources, complete, asked = [], awaited, version, nonce }: Answer): { message: DeltaDiscoveryResponse; sent: readonly NamedResource[] } | undefined {
    const difference = this.#subscription.difference(resources, complete);
    const present = new Set(resources.map((resource) => resource.name));
    const removed = [...new Set([...difference.removed, ...asked.filter((name) => name !== '*' && !present.has(name))])];
    if (!awaited && difference.changed.length === 0 && removed.length === 0) return undefined;
    this.#subscription.sent(nonce, version, difference.changed, removed);
    return {
      sent: difference.changed,
      message: {
        systemVersionInfo: version, typeUrl: this.typeUrl, nonce, controlPlane: CONTROL_PLANE, removedResources: removed,
        resources: difference.changed.map((resource) => ({ name: resource.name, version: resource.version, resource: { typeUrl: resource.typeUrl, value: resource.encode() } })),
      },
    };
  }
}
