// The node's CNI configuration with the plugin in it and without: text in, text out. Chained means behind the cluster's own plugin, in its file, because runtimes read only the first.

/** What the plugin is told. */
export interface PluginEntry {
  readonly type: string;
  readonly name: string;
  readonly socketDirectory: string;
  readonly excludeNamespaces: readonly string[];
  readonly capabilities: Readonly<Record<string, boolean>>;
}

interface Plugin { readonly type?: string; readonly [field: string]: unknown }
interface ConfigurationList { readonly cniVersion?: string; readonly name?: string; readonly plugins?: readonly Plugin[]; readonly type?: string }

const DEFAULT_VERSION = '1.0.0';
/** How a configuration of one plugin is put aside once a list stands in its place. */
export const REPLACED_SUFFIX = '.replaced-by-mizzen';

/** The file of the cluster's own network among those of the folder: the first that a runtime would take and that is a configuration. */
export function mainFile(files: ReadonlyMap<string, string>, isOwn: (type: string) => boolean): string | undefined {
  return [...files.keys()].sort().find((file) => {
    const list = /\.(conflist|conf|json)$/.test(file) ? parse(files.get(file) ?? '') : undefined;
    return list !== undefined && pluginsOf(list).some((plugin) => plugin.type !== undefined && !isOwn(plugin.type));
  });
}

/** Types of the plugins of a file that are of this program's making: they ask agents at a socket. */
export function ownPluginTypes(text: string): string[] {
  const list = parse(text);
  return list === undefined ? [] : pluginsOf(list).flatMap(({ type, socketDirectory }) => (type === undefined || typeof socketDirectory !== 'string' ? [] : [type]));
}

/** The file's text with `entry` as the last plugin, or undefined when it is there as it should be. */
export function withPlugin(text: string, entry: PluginEntry): string | undefined {
  const list = parse(text);
  if (!list) throw new Error('the cluster\'s CNI configuration is not JSON');
  const present = pluginsOf(list).find((plugin) => plugin.type === entry.type);
  const wanted = { ...entry, excludeNamespaces: namespacesOf(present, entry) };
  if (list.plugins && JSON.stringify(present) === JSON.stringify(wanted)) return undefined;
  const others = pluginsOf(list).filter((plugin) => plugin.type !== entry.type);
  if (list.plugins) return print({ ...list, plugins: [...others, wanted] });
  const { cniVersion, name, ...single } = list;
  return print({ cniVersion: cniVersion ?? DEFAULT_VERSION, name: name ?? 'network', plugins: [single, wanted] });
}

// Two meshes of the same version share the entry: each adds its namespace and leaves the other's, or they would overwrite one another for ever. Who goes takes its own away.
function namespacesOf(present: Plugin | undefined, entry: PluginEntry): string[] {
  return [...new Set([...excludedBy(present), ...entry.excludeNamespaces])].sort();
}

function excludedBy(plugin: Plugin | undefined): string[] {
  return Array.isArray(plugin?.['excludeNamespaces']) ? plugin['excludeNamespaces'].filter((name) => typeof name === 'string') : [];
}

/** The file's text with the plugin no longer told to spare `namespace`, or undefined when it is not told so. */
export function withoutNamespace(text: string, type: string, namespace: string): string | undefined {
  const list = parse(text);
  const present = list && pluginsOf(list).find((plugin) => plugin.type === type);
  if (!list || !present || !excludedBy(present).includes(namespace)) return undefined;
  const changed = { ...present, excludeNamespaces: excludedBy(present).filter((name) => name !== namespace) };
  return print(list.plugins ? { ...list, plugins: list.plugins.map((plugin) => (plugin === present ? changed : plugin)) } : { ...list, ...changed });
}

/** The file's text without the plugin, or undefined when it is not in it. */
export function withoutPlugin(text: string, type: string): string | undefined {
  const list = parse(text);
  if (!list?.plugins?.some((plugin) => plugin.type === type)) return undefined;
  return print({ ...list, plugins: list.plugins.filter((plugin) => plugin.type !== type) });
}

/** The name under which a configuration becomes a list. */
export function listFile(file: string): string {
  return file.replace(/\.(conf|json)$/, '.conflist');
}

/** A configuration of the plugin alone, which Multus delegates to; `present` is what is there. */
export function aloneText(entry: PluginEntry, present: string): string {
  return print({ cniVersion: DEFAULT_VERSION, ...entry, excludeNamespaces: namespacesOf(parse(present) as Plugin | undefined, entry) });
}

function parse(text: string): ConfigurationList | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // a file that is being written, or none of CNI's: not to be chained to
  }
}

function pluginsOf(list: ConfigurationList): readonly Plugin[] {
  return list.plugins ?? (list.type === undefined ? [] : [list as Plugin]);
}

function print(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
