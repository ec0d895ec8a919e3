// What a server answered to a scenario, with everything in it that differs from run to run replaced by stable names:
// identities, times, resource versions, addresses, generated names. Two servers that behave alike give equal transcripts.
import type { Answer, OpenWatch } from './api-endpoint.ts';

/** One request and what came back. */
export interface Entry {
  readonly request: string;
  readonly code: number;
  readonly warnings?: readonly string[];
  readonly type?: string;
  readonly body: unknown;
}

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const MICRO_TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
/** What Go's libraries say, and numbers that belong to one server. */
const PROGRAM_WORDS: readonly (readonly [RegExp, string])[] = [
  [/(json parse error|error decoding patch|error decoding YAML|error converting YAML to JSON|looking for beginning of value|cannot restore slice from|error parsing [^:]*): .*/s, '$1: <words>'],
  [/invalid character .*/s, '<words>'],
  [/ in scheme "[^"]*"/, ' in scheme "<scheme>"'],
  [/ClusterRoleBinding "system:[a-z:-]+" of ClusterRole "system:[a-z:-]+"/, '<one of the system\'s bindings>'],
  // A difference of two objects in Go's own form.
  [/\n@@ .*/s, ' <difference>'],
  [/range of valid IPs is .*/, 'range of valid IPs is <addresses>'],
  [/(pod updates may not change fields.*previously negative\))$/s, '$1 <difference>'],
  [/(Object 'Kind' is missing in) .*/s, '$1 <object>'],
  [/Invalid value: "\{.*\}": /s, 'Invalid value: <object>: '],
  [/\b(kube-api-access)-[a-z0-9]{5}\b/g, '$1-<random>'],
  [/\b(10\.96|127\.21[45])\.\d+\.\d+\b/g, '<address>'],
  [/\b(\d+:)3\d{4}\/(TCP|UDP)/g, '$1<port>/$2'],
  [/^\d+(ms|s)$/, '<age>'],
  [/in record \(\d+\)/, 'in record (<version>)'],
  [/(too old resource version:|Too large resource version:) .*/, '$1 <versions>'],
  [/continue=[^&]*/, 'continue=<continue>'],
  [/(resourceVersion=)\d{2,}/g, '$1<version>'],
];
const GENERATED = /^(.*[^a-z0-9]|)([bcdfghjklmnpqrstvwxz2456789]{5})$/;

function managerText(entry: { operation: string; manager: string; subresource?: string; apiVersion?: string }): string {
  return `${entry.operation} ${entry.manager} ${entry.subresource ?? ''} ${entry.apiVersion ?? ''}`;
}

/** Collects the answers to one scenario. */
export class Transcript {
  readonly entries: Entry[] = [];
  readonly #namespace: string;
  readonly #numbers = new Map<string, Map<string, number>>();
  readonly #generated = new Map<string, string>();
  readonly #hidden = new Map<string, string>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Has a text that differs from server to server shown as `<name>`. */
  hide(text: string, name: string): void {
    if (text !== '') this.#hidden.set(text, `<${name}>`);
  }

  /** Adds an answer. */
  record(request: string, answer: Answer): void {
    const warnings = [answer.headers['warning'] ?? []].flat().flatMap((line) => line.split(/,\s*(?=299 )/));
    const type = String(answer.headers['content-type'] ?? '');
    this.#learn(answer.body);
    this.entries.push({
      request: this.#text(request),
      code: answer.code,
      ...(warnings.length === 0 ? {} : { warnings: warnings.map((line) => this.#text(line)).sort() }),
      ...(type === 'application/json' ? {} : { type }),
      body: Buffer.isBuffer(answer.body) ? `<${answer.body.length === 0 ? 'nothing' : 'bytes'}>` : this.#value(answer.body, ''),
    });
  }

  /** Adds what a watch has sent. */
  recordWatch(request: string, watch: OpenWatch): void {
    for (const line of watch.lines) this.#learn((line as { object?: unknown }).object);
    this.entries.push({ request: this.#text(request), code: watch.code, body: this.#value(watch.lines, '') });
  }

  /** Adds something that a scenario found out by itself. */
  note(what: string, value: unknown): void {
    this.entries.push({ request: this.#text(`# ${what}`), code: 0, body: this.#value(value, '') });
  }

  /** Names that were generated are known by their prefix from then on. */
  #learn(body: unknown): void {
    const metadata = (body as { metadata?: { name?: unknown; generateName?: unknown } } | undefined)?.metadata;
    if (typeof metadata?.name !== 'string' || typeof metadata.generateName !== 'string') return;
    if (GENERATED.test(metadata.name)) this.#generated.set(metadata.name, `${metadata.generateName}<random>`);
  }

  #number(kind: string, text: string): string {
    const known = this.#numbers.get(kind) ?? new Map<string, number>();
    this.#numbers.set(kind, known);
    if (!known.has(text)) known.set(text, known.size + 1);
    return `<${kind} ${String(known.get(text))}>`;
  }

  #text(text: string): string {
    let result = text;
    for (const [from, to] of [...this.#hidden, ...this.#generated]) result = result.replaceAll(from, to);
    for (const [pattern, to] of PROGRAM_WORDS) result = result.replace(pattern, to);
    return result.replaceAll(this.#namespace, '{ns}').replace(TOKEN, '<token>').replace(UUID, (uuid) => this.#number('uid', uuid)).replace(MICRO_TIME, '<micro time>').replace(TIME, '<time>');
  }

  #value(value: unknown, key: string): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#value(item, key));
    if (typeof value === 'object' && value !== null) return this.#object(value as Record<string, unknown>);
    if (typeof value === 'string') return this.#string(value, key);
    return key === 'nodePort' || key === 'healthCheckNodePort' ? '<port>' : value;
  }

  #object(object: Record<string, unknown>): Record<string, unknown> {
    // Kubernetes orders them by time, of which there is less than a second here; and what a column means is prose.
    if (Array.isArray(object['managedFields'])) object = { ...object, managedFields: object['managedFields'].toSorted((a, b) => (managerText(a) < managerText(b) ? -1 : 1)) };
    if (Array.isArray(object['columnDefinitions'])) object = { ...object, columnDefinitions: object['columnDefinitions'].map((column) => ({ ...column, description: '<prose>' })) };
    const { causes } = object;
    // Go's maps have no order.
    if (Array.isArray(causes) && causes.length > 1) return this.#object({ ...object, causes: undefined, 'causes, sorted': (causes as { field?: string; message?: string }[]).toSorted((a, b) => (`${a.field ?? ''} ${a.message ?? ''}` < `${b.field ?? ''} ${b.message ?? ''}` ? -1 : 1)) });
    const details = object['details'] as { causes?: unknown[] } | undefined;
    if (typeof object['message'] === 'string' && (details?.causes?.length ?? 0) > 1 && object['message'].includes('[')) return this.#object({ ...object, message: `${object['message'].slice(0, object['message'].indexOf('['))}<causes>` });
    const isList = Array.isArray(object['items']) || Array.isArray(object['rows']) || object['type'] === 'BOOKMARK';
    const result: Record<string, unknown> = {};
    for (const name of Object.keys(object).sort()) result[this.#text(name)] = isList && (name === 'metadata' || name === 'object') ? this.#listMetadata(object[name]) : this.#value(object[name], name);
    return result;
  }

  /** The revision of a list or a bookmark is that of the whole server, on which others write as well. */
  #listMetadata(metadata: unknown): unknown {
    const { resourceVersion, ...rest } = metadata as Record<string, unknown>;
    const inner = rest['metadata'] === undefined ? {} : { metadata: this.#listMetadata(rest['metadata']) };
    return { ...(this.#value({ ...rest, metadata: undefined }, '') as object), ...inner, ...(resourceVersion === undefined ? {} : { resourceVersion: '<list version>' }) };
  }

  #string(text: string, key: string): string {
    if (key === 'resourceVersion' && /^\d+$/.test(text)) return this.#number('version', text);
    if (key === 'continue' && text !== '') return '<continue>';
    if (key === 'storageVersionHash') return '<hash>';
    if ((key === 'clusterIP' || key === 'clusterIPs') && /^\d+\.\d+\.\d+\.\d+$/.test(text)) return '<address>';
    return this.#text(text);
  }
}
