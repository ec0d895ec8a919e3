// The mesh configuration in force: parsed from its file, the last good one kept when a new one is broken.
import { parse as parseYaml } from 'yaml';
import { parseMeshConfig, type MeshConfig } from '../shared/api/mesh-config/mesh-config.ts';
import { validateMeshConfig } from '../shared/api/mesh-config/mesh-config.validation.ts';
import { errorIssue, formatIssue, Table, type Issue, type ReadonlyTable } from '../shared/lib/index.ts';
import { createLogger } from '../shared/observability/index.ts';

/** What the file leaves out and only the installation knows. */
export interface MeshConfigDefaults {
  readonly rootNamespace: string;
  readonly discoveryAddress: string;
}

/** Holds the mesh configuration. */
export class MeshConfigSource {
  readonly #defaults: MeshConfigDefaults;
  readonly #table = new Table<'current', MeshConfig>();
  readonly #log = createLogger('mesh-config');
  #issues: readonly Issue[] = [];

  constructor(defaults: MeshConfigDefaults) {
    this.#defaults = defaults;
    this.take('');
  }

  /** The configuration under the key `current`. */
  get table(): ReadonlyTable<'current', MeshConfig> {
    return this.#table;
  }

  /** The configuration in force. */
  get current(): MeshConfig {
    const config = this.#table.get('current');
    if (!config) throw new Error('the defaults of the mesh configuration do not parse');
    return config;
  }

  /** What is wrong with the newest file, and what in the one in force has no effect. */
  get issues(): readonly Issue[] {
    return this.#issues;
  }

  /** Takes the file's content. */
  take(content: string): void {
    const parsed = this.#parse(content);
    if ('config' in parsed) {
      this.#issues = parsed.issues;
      if (parsed.issues.length > 0) this.#log.warn({ issues: parsed.issues.map(formatIssue) }, 'the mesh configuration asks for what this version does not do');
      if (this.#table.set('current', parsed.config) && content !== '') this.#log.info({ trustDomain: parsed.config.trustDomain, rootNamespace: parsed.config.rootNamespace }, 'mesh configuration in force');
      return;
    }
    this.#issues = parsed.issues;
    this.#log.error({ issues: parsed.issues.map(formatIssue) }, 'the mesh configuration is invalid; the one before stays in force');
  }

  #parse(content: string): { readonly config: MeshConfig; readonly issues: readonly Issue[] } | { readonly issues: readonly Issue[] } {
    let data: unknown;
    try {
      data = parseYaml(content) ?? {};
    } catch (error) {
      return { issues: [errorIssue('MESH_CONFIG_INVALID', '', `the mesh configuration is not YAML: ${(error as Error).message}`)] };
    }
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return { issues: [errorIssue('MESH_CONFIG_INVALID', '', 'the mesh configuration must be a map')] };
    const { rootNamespace, discoveryAddress } = this.#defaults;
    const raw = data as { defaultConfig?: object };
    const result = parseMeshConfig({ rootNamespace, ...raw, defaultConfig: { discoveryAddress, ...raw.defaultConfig } });
    return result.ok ? { config: result.value, issues: validateMeshConfig(data) } : { issues: result.error };
  }
}
