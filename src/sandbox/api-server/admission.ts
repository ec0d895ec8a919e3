// Admission: the built-in steps that the real server's plug-ins do, then the webhooks.
import type { RbacAuthorizer } from '../auth/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { AdmissionWebhooks } from './admission-webhooks.ts';
import type { Converter } from './conversion.ts';
import { guardEscalation } from './escalation-guard.ts';
import { normalizeObject } from './object-decoding.ts';
import { admitPod } from './pod-admission.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceInfo } from './resource-info.ts';
import { forbidden, notFound } from './status.ts';
import type { AdmissionRequest, Target } from './target.ts';
import type { WebhookCaller } from './webhook-caller.ts';

const NAMESPACES: Pick<ResourceInfo, 'group' | 'plural' | 'kind'> = { group: '', plural: 'namespaces', kind: 'Namespace' };
const PROTECTED = new Set(['default', 'kube-system', 'kube-public']);

/** Decides whether writes may happen, and changes them on the way. */
export class Admission {
  readonly #store: Store;
  readonly #webhooks: AdmissionWebhooks;
  readonly #rbac: RbacAuthorizer;

  constructor(store: Store, caller: WebhookCaller, converter: Converter, rbac: RbacAuthorizer) {
    this.#store = store;
    this.#webhooks = new AdmissionWebhooks(store, caller, converter, rbac);
    this.#rbac = rbac;
  }

  /** The object after the changing part of admission. */
  async admit(context: RequestContext, request: AdmissionRequest & { object: KubeObject }): Promise<KubeObject> {
    const { target, operation, subresource } = request;
    const { info, version } = target;
    let { object } = request;
    if (operation === 'CREATE') this.checkNamespace(info, target.namespace, target.name);
    if (info.group === 'rbac.authorization.k8s.io') guardEscalation(this.#rbac, context, request);
    if (info.storeKey === '/pods' && operation === 'CREATE') object = admitPod(this.#store, object);
    const attributes = { operation, info, version: version.name, subresource, namespace: target.namespace, name: target.name, object, oldObject: request.oldObject, options: optionsOf(operation, context) };
    const changed = await this.#webhooks.mutate(context, attributes, (patched) => { if (subresource !== 'scale') normalizeObject({ ...context, fieldValidation: 'Ignore' }, info, version, patched); });
    return changed ?? object;
  }

  /** A deletion is shown to the changing webhooks as well, though there is nothing that they could change. */
  async admitDeletion(context: RequestContext, target: Target, oldObject: KubeObject, deleteOptions: object): Promise<void> {
    const { info, version, namespace, name } = target;
    const options = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...deleteOptions };
    await this.#webhooks.mutate(context, { operation: 'DELETE', info, version: version.name, subresource: '', namespace, name, object: undefined, oldObject, options }, () => undefined);
    await this.validate(context, { operation: 'DELETE', target, subresource: '', object: undefined, oldObject, options });
  }

  /** The part of admission that only says yes or no. */
  async validate(context: RequestContext, request: AdmissionRequest): Promise<void> {
    const { target, operation, subresource, object, oldObject } = request;
    const { info, namespace, name } = target;
    if (operation === 'DELETE' && info.storeKey === '/namespaces' && PROTECTED.has(name)) throw forbidden(info, name, 'this namespace may not be deleted');
    await this.#webhooks.validate(context, { operation, info, version: target.version.name, subresource, namespace, name, object, oldObject, options: request.options ?? optionsOf(operation, context) });
  }

  /** Nothing may be created in a namespace that is missing or ends. */
  checkNamespace(info: ResourceInfo, namespace: string | undefined, name: string): void {
    if (!info.namespaced || namespace === undefined) return;
    const found = this.#store.get('/namespaces', undefined, namespace);
    if (!found) throw notFound(NAMESPACES, namespace);
    if (found.metadata.deletionTimestamp !== undefined) throw forbidden(info, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }]);
  }
}

/** The options of a request as a webhook sees them. */
function optionsOf(operation: AdmissionRequest['operation'], { options }: RequestContext): object {
  const kind = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: 'ConnectOptions' }[operation];
  return { kind, apiVersion: 'meta.k8s.io/v1', ...options };
}
