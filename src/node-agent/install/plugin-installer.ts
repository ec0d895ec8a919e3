// Places the plugin and its configuration on the node and puts them back when something removes them. They outlive this program: a node whose agent restarts, is upgraded or is
// away must not start pods uncaptured. Only the end of the control plane's installation takes them away.
import { watch, type FSWatcher } from 'node:fs';
import { access, constants, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { ANNOTATIONS_CAPABILITY } from '../cni/index.ts';
import { launcherText, placeRuntime, removeUnusedRuntimes, type RuntimeFiles } from './host-runtime.ts';
import { withLock } from './node-lock.ts';
import { placeFile } from './place-file.ts';
import { aloneText, listFile, mainFile, ownPluginTypes, REPLACED_SUFFIX, withoutNamespace, withoutPlugin, withPlugin, type PluginEntry } from './network-configuration.ts';

/** Where the node's CNI directories are mounted, and what to put there. */
export interface PluginInstallerOptions {
  /** Name of the plugin: its file, and its type in the configuration. */
  readonly plugin: string;
  readonly pluginFile: string;
  readonly runtime: () => Promise<RuntimeFiles>;
  readonly binDirectory: string;
  readonly configDirectory: string;
  /** The folder of sockets, as the node sees it. */
  readonly socketDirectory: string;
  /** What all agents of the node lock while they change its configuration. */
  readonly lock: string;
  /** Namespace of this agent's mesh: like `excludeNamespaces`, but only as long as the mesh is there. */
  readonly meshNamespace: string;
  readonly excludeNamespaces: readonly string[];
  /** Chained after the cluster's own plugin; otherwise a configuration of its own, for Multus. */
  readonly chained: boolean;
  /** Whether this program stops because its mesh goes. */
  readonly isUninstalled: () => Promise<boolean>;
  /** Whether another agent of the node serves the plugin too: it stays then. */
  readonly hasCompany: () => Promise<boolean>;
}

const CHECK_MILLISECONDS = 5_000;
/** A folder that changes much is looked at this often at most. */
const SETTLE_MILLISECONDS = 250;
const EXECUTABLE = 0o755;
const log = createLogger('cni-install');

/** Keeps the plugin installed. */
export class PluginInstaller {
  readonly name = 'cni plugin installer';
  readonly #options: PluginInstallerOptions;
  readonly #entry: PluginEntry;
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #problem: string | undefined = 'the plugin is not installed yet';
  #work: Promise<void> = Promise.resolve();
  #settling: NodeJS.Timeout | undefined;
  #stopping = false;
  #folder: string | undefined;

  constructor(options: PluginInstallerOptions) {
    this.#options = options;
    const { plugin, socketDirectory, meshNamespace, excludeNamespaces } = options;
    this.#entry = { type: plugin, name: plugin, socketDirectory, excludeNamespaces: [...new Set([...excludeNamespaces, meshNamespace])].sort(), capabilities: { [ANNOTATIONS_CAPABILITY]: true } };
  }

  /** Why the node is not ready. */
  problem(): string | undefined {
    return this.#problem;
  }

  async start(): Promise<void> {
    await this.#keep();
    this.#timer = setInterval(() => void this.#keep(), CHECK_MILLISECONDS);
    this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    clearTimeout(this.#settling);
    this.#watcher?.close();
    await this.#work;
    if (await this.#options.isUninstalled()) await withLock(this.#options.lock, async () => ((await this.#options.hasCompany()) ? this.#withdraw() : this.#remove()));
    else log.info({}, 'the plugin stays on the node');
  }

  // The cluster's own network writes its file anew when it is upgraded: noticed at once where the kernel tells, else at the next check.
  #watch(): void {
    try {
      this.#watcher = watch(this.#options.configDirectory, () => {
        this.#settling ??= setTimeout(() => {
          this.#settling = undefined;
          void this.#keep();
        }, SETTLE_MILLISECONDS);
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      log.info({ error: describeError(error) }, 'the folder of configurations cannot be watched and is only checked every few seconds');
    }
  }

  #keep(): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#stopping) return;
      try {
        await this.#install();
        this.#problem = undefined;
      } catch (error) {
        const problem = describeError(error);
        if (problem !== this.#problem) log.warn({ error: problem }, 'the plugin could not be installed');
        this.#problem = problem;
      }
    });
    return this.#work;
  }

  async #install(): Promise<void> {
    const { plugin, pluginFile, binDirectory } = this.#options;
    await access(binDirectory, constants.W_OK);
    const launcher = join(binDirectory, plugin);
    if (this.#folder === undefined || !(await isThere(launcher)) || !(await isThere(join(binDirectory, this.#folder)))) {
      const files = await this.#options.runtime();
      const folder = await placeRuntime(binDirectory, files, pluginFile);
      this.#folder = folder;
      if (await placeFile(launcher, launcherText(folder, files.loader), { mode: EXECUTABLE })) log.info({ launcher, folder }, 'plugin installed');
      await removeUnusedRuntimes(binDirectory);
    }
    await this.#configure();
  }

  async #configure(): Promise<void> {
    const { plugin, configDirectory, chained } = this.#options;
    if (!chained) {
      const file = join(configDirectory, `${plugin}.conf`);
      if (await placeFile(file, aloneText(this.#entry, await readFile(file, 'utf8').catch(() => '')))) log.info({ plugin }, 'configuration for Multus written');
      return;
    }
    if ((await this.#change()) === undefined) return;
    // What was read may be old by now: another agent writes as well.
    await withLock(this.#options.lock, async () => {
      const change = await this.#change();
      if (!change) return;
      const { file, text } = change;
      const target = listFile(file);
      await placeFile(join(configDirectory, target), text, { inPlaceOf: join(configDirectory, file) });
      // A runtime would take `10-net.conf` before `10-net.conflist`.
      if (target !== file) await rename(join(configDirectory, file), join(configDirectory, `${file}${REPLACED_SUFFIX}`));
      log.info({ file: target }, 'plugin chained to the cluster\'s own');
    });
  }

  // What is to be written, or nothing when all is as it should be.
  async #change(): Promise<{ readonly file: string; readonly text: string } | undefined> {
    const files = await this.#files();
    const file = mainFile(files, isOwn);
    if (file === undefined) throw new Error(`there is no CNI configuration in ${this.#options.configDirectory} yet to be chained to`);
    const present = files.get(file) ?? '';
    const sound = await this.#withoutBroken(present);
    const text = withPlugin(sound, this.#entry) ?? (sound === present ? undefined : sound);
    return text === undefined ? undefined : { file, text };
  }

  // A runtime can neither start nor remove a pod while its configuration names a plugin that is not there, as when an old copy of it was put back after a mesh had gone.
  async #withoutBroken(text: string): Promise<string> {
    let sound = text;
    for (const type of ownPluginTypes(text).filter((name) => name !== this.#options.plugin)) {
      if (!(await isThere(join(this.#options.binDirectory, type)))) sound = withoutPlugin(sound, type) ?? sound;
    }
    return sound;
  }

  async #files(): Promise<Map<string, string>> {
    const { configDirectory } = this.#options;
    const entries = (await readdir(configDirectory, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
    const read = entries.map(async ({ name }) => [name, await readFile(join(configDirectory, name), 'utf8').catch(() => '')] as const);
    return new Map(await Promise.all(read));
  }

  // The plugin is another mesh's as well; only what it knows of this one goes.
  async #withdraw(): Promise<void> {
    const { plugin, configDirectory, meshNamespace, excludeNamespaces } = this.#options;
    if (excludeNamespaces.includes(meshNamespace)) return;
    for (const [file, text] of await this.#files()) {
      const rest = withoutNamespace(text, plugin, meshNamespace);
      if (rest !== undefined) await placeFile(join(configDirectory, file), rest);
    }
    log.info({ plugin, meshNamespace }, 'the plugin stays on the node for another mesh');
  }

  async #remove(): Promise<void> {
    const { plugin, configDirectory, binDirectory } = this.#options;
    const files = await this.#files();
    for (const [file, text] of files) {
      const original = [...files.keys()].find((name) => name.endsWith(REPLACED_SUFFIX) && listFile(name.slice(0, -REPLACED_SUFFIX.length)) === file);
      const rest = withoutPlugin(text, plugin);
      if (file === `${plugin}.conf`) await rm(join(configDirectory, file));
      else if (rest !== undefined) await this.#restore(file, rest, original);
    }
    // First the configuration, so that no runtime looks for a plugin that is gone.
    await rm(join(binDirectory, plugin), { force: true });
    await removeUnusedRuntimes(binDirectory, true);
    log.info({ plugin }, 'plugin removed from the node');
  }

  async #restore(file: string, rest: string, original: string | undefined): Promise<void> {
    const { configDirectory } = this.#options;
    const othersOfOurs = /"type": "[^"]+-istio-cni"/.test(rest);
    if (original === undefined || othersOfOurs) {
      await placeFile(join(configDirectory, file), rest);
      return;
    }
    await rename(join(configDirectory, original), join(configDirectory, original.slice(0, -REPLACED_SUFFIX.length)));
    await rm(join(configDirectory, file));
  }
}

/** Whether a plugin of this name is one of the mesh's. */
function isOwn(type: string): boolean {
  return type.endsWith('-istio-cni');
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
