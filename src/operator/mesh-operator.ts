// The operator's controllers as one component, on the base class of @dot-i/k8s-operator. What that class does by ending the process,
// by one queue for everything or by swallowing failures is overridden with our informers and per-key queues (docs/adr/0005-own-informer.md).
import dotI, { type ResourceEvent } from '@dot-i/k8s-operator';
import { apiVersionOf, objectKey, type KubernetesObject, type ResourceType } from '../shared/api/meta/index.ts';
import { CustomResourceDefinitionResource } from '../shared/api/core/access.ts';
import { Controller, Informer, type KubeClient, loadKubeConfig, type KubeConfigOptions, type ReconcileResult } from '../shared/kube/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import type { Component } from '../shared/process/index.ts';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A secondary watch: changes of `informer` wake the keys that `keysOf` names. */
export interface Trigger {
  readonly informer: Informer<KubernetesObject>;
  readonly keysOf: (object: KubernetesObject) => Iterable<string>;
}

/** A kind that the operator reconciles. */
export interface Registration {
  readonly type: ResourceType;
  readonly concurrency: number;
  readonly reconcile: (key: string) => Promise<ReconcileResult>;
  readonly triggers: readonly Trigger[];
}

interface Lane {
  readonly informer: Informer<KubernetesObject>;
  readonly controller: Controller<string>;
}

/** Label with the version of the operator that wrote a definition. */
const VERSION_LABEL = 'maistra-version';
const log = createLogger('operator');
const eventLogger = {
  debug: (message: string): void => log.debug({}, message),
  info: (message: string): void => log.info({}, message),
  warn: (message: string): void => log.warn({}, message),
  error: (message: string): void => log.error({}, message),
};

type OperatorClass = typeof dotI.default;
/** The package is CommonJS: depending on who loads it, its class is the default import or that import's own default. */
const OperatorBase = (dotI as { default?: OperatorClass }).default ?? (dotI as unknown as OperatorClass);

/** Runs the registered reconcilers from `start` to `stop`. */
export class MeshOperator extends OperatorBase implements Component {
  readonly name = 'controllers';
  readonly #client: KubeClient;
  readonly #version: string;
  readonly #registrations: readonly Registration[];
  readonly #shared: readonly Informer<KubernetesObject>[];
  readonly #lanes = new Map<string, Lane>();
  #signal: AbortSignal = new AbortController().signal;

  /** `shared` are the informers that triggers use: this class starts and stops them. */
  constructor(client: KubeClient, version: string, registrations: readonly Registration[], shared: readonly Informer<KubernetesObject>[], kubeConfig: KubeConfigOptions = {}) {
    super(eventLogger);
    this.kubeConfig = loadKubeConfig(kubeConfig);
    this.#client = client;
    this.#version = version;
    this.#registrations = registrations;
    this.#shared = shared;
  }

  override async start(signal: AbortSignal = new AbortController().signal): Promise<void> {
    this.#signal = signal;
    await Promise.all(this.#shared.map((informer) => informer.start(signal)));
    await super.start();
  }

  override async stop(): Promise<void> {
    for (const { controller } of this.#lanes.values()) await controller.stop();
    await Promise.all([...this.#lanes.values()].map(({ informer }) => informer.stop()));
    await Promise.all(this.#shared.map((informer) => informer.stop()));
  }

  protected override async init(): Promise<void> {
    for (const { type, reconcile } of this.#registrations) {
      await this.watchResource(type.group, type.version, type.plural, async (event) => {
        const key = event.meta.namespace ? `${event.meta.namespace}/${event.meta.name}` : event.meta.name;
        const { requeueAfterMilliseconds } = await reconcile(key);
        if (requeueAfterMilliseconds !== undefined) this.#lanes.get(type.plural)?.controller.queue.addAfter(key, requeueAfterMilliseconds);
      });
    }
  }

  /** Watches by our informer; each key is worked on by one worker at a time, different keys side by side, and failures come back later. */
  protected override async watchResource(group: string, version: string, plural: string, onEvent: (event: ResourceEvent) => Promise<void>, namespace?: string): Promise<void> {
    const registration = this.#registrations.find(({ type }) => type.plural === plural && type.group === group && type.version === version);
    if (!registration) throw new Error(`no reconciler is registered for ${plural}.${group}/${version}`);
    const { type, concurrency, triggers } = registration;
    const informer = new Informer<KubernetesObject>(this.#client, type, { optional: true, ...(namespace ? { namespace } : {}) });
    const controller = new Controller<string>(plural, (key) => onEvent(eventOf(type, key, informer.get(key))), { concurrency, maximumRetryMilliseconds: 15_000 });
    controller.watch(informer, (object) => [objectKey(object)]);
    for (const { informer: source, keysOf } of triggers) controller.watch(source, keysOf);
    this.#lanes.set(plural, { informer, controller });
    await informer.start(this.#signal);
    await controller.start(this.#signal);
  }

  /** Installs or upgrades a definition; one that OLM manages, or that a newer operator installed, is left alone. */
  override async registerCustomResourceDefinition(crdFile: string): ReturnType<InstanceType<OperatorClass>['registerCustomResourceDefinition']> {
    const definition = parse(readFileSync(crdFile, 'utf8')) as KubernetesObject & { spec: { group: string; versions: never[]; names: { plural: string } } };
    const name = definition.metadata?.name ?? '';
    const present = await this.#client.find(CustomResourceDefinitionResource, name);
    const { labels } = present?.metadata ?? {};
    if (labels?.['olm.managed'] !== 'true' && !isNewer(labels?.[VERSION_LABEL], this.#version)) {
      const object = { ...definition, metadata: { ...definition.metadata, labels: { ...definition.metadata?.labels, [VERSION_LABEL]: this.#version } } };
      await this.#client.apply(CustomResourceDefinitionResource, object as never, { fieldManager: 'mizzen-operator', force: true });
    }
    return { group: definition.spec.group, versions: definition.spec.versions, plural: definition.spec.names.plural };
  }
}

/** Whether version `left` is above `right`, number by number; an absent one never is. */
function isNewer(left: string | undefined, right: string): boolean {
  if (left === undefined) return false;
  const [ours, theirs] = [right, left].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let index = 0; index < 3; index += 1) {
    const difference = (theirs[index] ?? 0) - (ours[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function eventOf(type: ResourceType, key: string, object: KubernetesObject | undefined): ResourceEvent {
  const [first = '', second] = key.split('/');
  const [namespace, name] = second === undefined ? [undefined, first] : [first, second];
  const { resourceVersion = '' } = object?.metadata ?? {};
  const meta = { id: `${type.plural}.${apiVersionOf(type)}`, name, ...(namespace ? { namespace } : {}), resourceVersion, apiVersion: apiVersionOf(type), kind: type.kind };
  return { meta, type: (object ? 'MODIFIED' : 'DELETED') as ResourceEvent['type'], object: (object ?? { apiVersion: meta.apiVersion, kind: type.kind, metadata: { name, namespace } }) as unknown as ResourceEvent['object'] };
}
