// Answers with objects in the form that the client asked for: the object, a Table, or only metadata.
import type { KubeObject, Store } from '../store/index.ts';
import type { Converter } from './conversion.ts';
import type { Exchange } from './exchange.ts';
import { listObjects, type Page } from './listing.ts';
import { groupVersion } from './resource-info.ts';
import { checkListOptions } from './request-options.ts';
import { compileSelection } from './selection.ts';
import { negotiateForm, refuseForm, type AnswerForm, type AnswerOf } from './negotiation.ts';
import { columnsOf, partialObject, tableOf } from './tables.ts';
import type { Target } from './target.ts';
import { Watch, type Render } from './watching.ts';

/** Writes objects, lists and watches. */
export class Presenter {
  readonly #store: Store;
  readonly #converter: Converter;
  readonly #watches = new Set<Watch>();
  /** The text of an object's JSON is made once for all watches. */
  readonly #texts = new WeakMap<KubeObject, string>();

  constructor(store: Store, converter: Converter) {
    this.#store = store;
    this.#converter = converter;
  }

  /** Ends all watches, when the server stops. */
  stopWatches(): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
  }

  /** Answers with one object, which is in the target's version already or stored. */
  async object(exchange: Exchange, target: Target, object: KubeObject, code = 200): Promise<void> {
    const form = formOf(exchange, target, 'object');
    const [shown] = (await this.#converter.convert(target.info, [object], target.version.name)) as [KubeObject];
    exchange.isInPieces = form.kind === 'table';
    if (form.kind === 'table') exchange.json(code, tableOf(columnsOf(target.info, target.version), [shown], { resourceVersion: shown.metadata.resourceVersion }, exchange.info.query.get('includeObject') ?? 'Metadata', form.version));
    else exchange.json(code, form.kind === 'partial' ? partialObject(shown, form.version) : shown);
  }

  async list(exchange: Exchange, target: Target): Promise<void> {
    const { query } = exchange.info;
    checkListOptions(query, false);
    const page = listObjects(this.#store, target.info, {
      namespace: target.namespace,
      selection: compileSelection(target.info, target.version, query.get('labelSelector'), query.get('fieldSelector')),
      limit: Number(query.get('limit') ?? 0),
      continueToken: query.get('continue'),
      resourceVersion: query.get('resourceVersion'),
      resourceVersionMatch: query.get('resourceVersionMatch'),
    });
    await this.#page(exchange, target, page);
  }

  /** Answers with a list of these objects. */
  async objects(exchange: Exchange, target: Target, objects: readonly KubeObject[]): Promise<void> {
    await this.#page(exchange, target, { items: objects, resourceVersion: String(this.#store.revision), continueToken: undefined, remaining: undefined });
  }

  async #page(exchange: Exchange, target: Target, page: Page): Promise<void> {
    const { info, version } = target;
    const form = formOf(exchange, target, 'list');
    // Lists of custom resources are no structs, so they say also that nothing follows.
    const isPlain = info.custom && form.kind === 'object';
    const metadata = { resourceVersion: page.resourceVersion, ...(page.continueToken === undefined ? (isPlain ? { continue: '' } : {}) : { continue: page.continueToken }), ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }) };
    const items = await this.#converter.convert(info, page.items, version.name);
    exchange.isInPieces = form.kind === 'table';
    if (form.kind === 'table') exchange.json(200, tableOf(columnsOf(info, version), items, metadata, exchange.info.query.get('includeObject') ?? 'Metadata', form.version));
    else if (form.kind === 'partial') exchange.json(200, { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata, items: items.map((item) => partialObject(item, form.version)) });
    else exchange.jsonText(200, `{"kind":${JSON.stringify(info.listKind)},"apiVersion":${JSON.stringify(groupVersion(info.group, version.name))},"metadata":${JSON.stringify(metadata)},"items":[${items.map((item) => (info.custom ? this.#text(item) : JSON.stringify(withoutType(item)))).join(',')}]}`);
  }

  watch(exchange: Exchange, target: Target): void {
    const { query } = exchange.info;
    const { info, version } = target;
    checkListOptions(query, true);
    formOf(exchange, target, 'watch');
    // Only the old paths below /watch name an object.
    const named = target.name === '' ? '' : `metadata.name=${target.name}`;
    const fields = [named, query.get('fieldSelector') ?? ''].filter((part) => part !== '').join(',');
    const watch = new Watch(exchange, {
      store: this.#store,
      storeKey: info.storeKey,
      namespace: target.namespace,
      selection: compileSelection(info, version, query.get('labelSelector'), fields),
      render: this.#renderer(exchange, target),
      bookmark: (revision, end) => JSON.stringify(this.#bookmark(exchange, target, revision, end)),
    });
    watch.start();
    this.#watches.add(watch);
    exchange.response.on('close', () => this.#watches.delete(watch));
  }

  #renderer(exchange: Exchange, target: Target): Render {
    const { info, version } = target;
    const form = formOf(exchange, target, 'watch');
    const columns = form.kind === 'table' ? columnsOf(info, version) : [];
    let headers = true;
    const show = (object: KubeObject): string => {
      if (form.kind === 'object') return this.#text(object);
      if (form.kind === 'partial') return JSON.stringify(partialObject(object, form.version));
      const table = JSON.stringify(tableOf(columns, [object], { resourceVersion: object.metadata.resourceVersion }, exchange.info.query.get('includeObject') ?? 'Metadata', form.version, headers));
      headers = false;
      return table;
    };
    return (object) => {
      if (this.#converter.isImmediate(info, object, version.name)) return show(this.#converter.convertNow(info, object, version.name));
      return this.#converter.convertOnce(info, object, version.name).then(show);
    };
  }

  #bookmark(exchange: Exchange, target: Target, revision: number, end: boolean): object {
    const { info, version } = target;
    const form = formOf(exchange, target, 'watch');
    const metadata = { resourceVersion: String(revision), ...(end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}) };
    if (form.kind === 'table') return { kind: 'Table', apiVersion: `meta.k8s.io/${form.version}`, metadata: { resourceVersion: String(revision) }, columnDefinitions: [], rows: [{ cells: [], object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata } }] };
    if (form.kind === 'partial') return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata };
    return { kind: info.kind, apiVersion: groupVersion(info.group, version.name), metadata };
  }

  #text(object: KubeObject): string {
    let text = this.#texts.get(object);
    if (text === undefined) {
      text = JSON.stringify(object);
      this.#texts.set(object, text);
    }
    return text;
  }
}

/** Items of built-in lists do not repeat what the list says of their type. */
function withoutType({ apiVersion: _version, kind: _kind, ...rest }: KubeObject): object {
  return rest;
}

/** The form that the Accept header asks for. */
function formOf(exchange: Exchange, { info }: Target, answer: AnswerOf): AnswerForm {
  const { accept = '' } = exchange.request.headers;
  const form = negotiateForm(accept, answer, info.custom);
  if (form) return form;
  throw refuseForm(accept, answer, info.kind, info.custom);
}
