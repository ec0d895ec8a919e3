// The OpenAPI documents of the server: version 3 with one document a group and version, version 2 with all in one.
// A document is made when it is first asked for, and again only when its resources have changed.
import { createHash } from 'node:crypto';
import { resourcesIn } from '../discovery.ts';
import type { Registry } from '../registry.ts';
import { groupVersion, type ResourceInfo } from '../resource-info.ts';
import { KUBERNETES_VERSION } from '../version.ts';
import { encodeDocument } from './document-v3-protobuf.ts';
import { swaggerPaths, swaggerSchema } from './document-v2.ts';
import { describePaths } from './operations.ts';
import { SchemaSet, type Json } from './type-schemas.ts';

/** A document as text, and the hash by which clients know it again. */
export interface OpenApiDocument {
  readonly text: string;
  readonly hash: string;
  /** The same in protobuf form. */
  protobuf(): Buffer;
}

const INFO = { title: 'Mizzen sandbox', version: KUBERNETES_VERSION };
/** Documents about paths that are no resources, with these. */
const SYSTEM_DOCUMENTS: Readonly<Record<string, readonly string[]>> = { 'api': ['/api/'], 'apis': ['/apis/'], 'version': ['/version/'], '.well-known/openid-configuration': ['/.well-known/openid-configuration/'], 'openid/v1/jwks': ['/openid/v1/jwks/'] };

/** Makes and keeps the documents. */
export class OpenApiDocuments {
  readonly #registry: Registry;
  readonly #known = new Map<string, { readonly resources: readonly ResourceInfo[]; readonly document: OpenApiDocument }>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The index of version 3: where each document is, with its hash. */
  index(): object {
    const paths = Object.fromEntries([...this.#names()].map((name) => [name, { serverRelativeURL: this.url(name) }]));
    return { paths };
  }

  /** The address of a document, with its hash. */
  url(name: string): string {
    return `/openapi/v3/${name}?hash=${this.find(name)?.hash ?? ''}`;
  }

  /** The document of that name, for example `api/v1` or `apis/apps/v1`; undefined when there is none. */
  find(name: string): OpenApiDocument | undefined {
    if (!this.#names().has(name)) return undefined;
    const served = this.#resources(name);
    const resources = served.map(([info]) => info);
    const known = this.#known.get(name);
    if (known && known.resources.length === resources.length && known.resources.every((info, index) => info === resources[index])) return known.document;
    const document = textOf(served.length > 0 ? this.#describe(served) : systemDocument(SYSTEM_DOCUMENTS[name] ?? [`/${name}/`]));
    this.#known.set(name, { resources, document });
    return document;
  }

  /** The document of version 2. */
  versionTwo(): object {
    const set = new SchemaSet();
    const paths: Json = {};
    for (const info of this.#registry.all()) for (const version of info.versions) {
      set.addKind(info, version);
      Object.assign(paths, describePaths(info, version, set));
    }
    return { swagger: '2.0', info: INFO, paths: swaggerPaths(paths), definitions: Object.fromEntries(Object.entries(set.schemas).map(([name, schema]) => [name, swaggerSchema(schema as Json)])) };
  }

  #names(): Set<string> {
    const names = new Set(Object.keys(SYSTEM_DOCUMENTS));
    for (const info of this.#registry.all()) {
      // The groups of definitions have no document of their own.
      if (info.group !== '' && !info.custom) names.add(`apis/${info.group}`);
      for (const version of info.versions) names.add(info.group === '' ? `api/${version.name}` : `apis/${groupVersion(info.group, version.name)}`);
    }
    return names;
  }

  #resources(name: string): ReturnType<typeof resourcesIn> {
    const parts = name.split('/');
    if (parts[0] === 'api' && parts.length === 2) return resourcesIn(this.#registry, '', parts[1] ?? '');
    return parts[0] === 'apis' && parts.length === 3 ? resourcesIn(this.#registry, parts[1] ?? '', parts[2] ?? '') : [];
  }

  #describe(served: ReturnType<typeof resourcesIn>): Json {
    const set = new SchemaSet();
    const paths: Json = {};
    for (const [info, version] of served) {
      set.addKind(info, version);
      Object.assign(paths, describePaths(info, version, set));
    }
    return { openapi: '3.0.0', info: INFO, paths, components: { schemas: set.schemas } };
  }
}

function textOf(document: Json): OpenApiDocument {
  const text = JSON.stringify(document);
  let bytes: Buffer | undefined;
  return { text, hash: createHash('sha512').update(text).digest('hex').toUpperCase(), protobuf: () => (bytes ??= encodeDocument(document)) };
}

/** A document about paths that answer when they are read. */
function systemDocument(paths: readonly string[]): Json {
  const get = { responses: { 200: { description: 'OK', content: { 'application/json': { schema: { type: 'object' } } } }, 401: { description: 'Unauthorized' } } };
  return { openapi: '3.0.0', info: INFO, paths: Object.fromEntries(paths.map((path) => [path, { get }])), components: { schemas: {} } };
}
