// Places the plugin and its configuration on the node, puts them back when something removes them, and takes them away at the end.
import { access, chmod, copyFile, constants, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { ANNOTATIONS_CAPABILITY } from '../cni/index.ts';

/** Where the node's CNI directories are mounted, and what to put there. */
export interface PluginInstallerOptions {
  readonly pluginFile: string;
  readonly binDirectory: string;
  readonly configDirectory: string;
  /** Chained after the cluster's own plugin; otherwise a configuration of its own, for multus. */
  readonly chained: boolean;
}

const PLUGIN = 'istio-cni';
const REPAIR_MILLISECONDS = 10_000;
const log = createLogger('cni-install');

interface ConfigurationList { cniVersion?: string; name?: string; plugins?: { type?: string }[]; type?: string }

/** Keeps the plugin installed between `start` and `stop`. */
export class PluginInstaller {
  readonly name = 'cni plugin installer';
  readonly #options: PluginInstallerOptions;
  #timer: NodeJS.Timeout | undefined;
  #problem: string | undefined = 'the plugin is not installed yet';

  constructor(options: PluginInstallerOptions) {
    this.#options = options;
  }

  /** Why the node is not ready. */
  problem(): string | undefined {
    return this.#problem;
  }

  async start(): Promise<void> {
    await this.#repair();
    this.#timer = setInterval(() => void this.#repair(), REPAIR_MILLISECONDS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#problem === undefined) await this.#remove();
  }

  async #repair(): Promise<void> {
    try {
      await this.#install();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = describeError(error);
      log.warn({ error: this.#problem }, 'the plugin could not be installed');
    }
  }

  async #install(): Promise<void> {
    const { pluginFile, binDirectory } = this.#options;
    await access(binDirectory, constants.W_OK);
    const target = join(binDirectory, PLUGIN);
    const wanted = await readFile(pluginFile);
    const present = await readFile(target).catch(() => undefined);
    if (!present?.equals(wanted)) {
      // Renamed into place, so that no runtime ever starts half a plugin.
      await copyFile(pluginFile, `${target}.new`);
      await chmod(`${target}.new`, 0o755);
      await rename(`${target}.new`, target);
      log.info({ target }, 'plugin installed');
    }
    await this.#configure();
  }

  async #configure(): Promise<void> {
    const own = { type: PLUGIN, name: PLUGIN, capabilities: { [ANNOTATIONS_CAPABILITY]: true } };
    if (!this.#options.chained) return this.#write(`${PLUGIN}.conf`, { cniVersion: '1.0.0', ...own });
    const file = await this.#mainConfiguration();
    if (!file) throw new Error(`there is no CNI configuration in ${this.#options.configDirectory} yet to be chained to`);
    const list = await this.#read(file);
    const plugins = list.plugins ?? [list];
    if (plugins.some((plugin) => plugin.type === PLUGIN)) return;
    const target = file.endsWith('.conflist') ? file : file.replace(/\.conf$|\.json$/, '.conflist');
    await this.#write(target, { ...(list.plugins ? list : { cniVersion: list.cniVersion ?? '1.0.0', name: list.name ?? 'network' }), plugins: [...plugins, own] });
  }

  async #mainConfiguration(): Promise<string | undefined> {
    const files = (await readdir(this.#options.configDirectory)).filter((file) => /\.(conflist|conf|json)$/.test(file)).sort();
    return files.find((file) => file.endsWith('.conflist')) ?? files[0];
  }

  async #read(file: string): Promise<ConfigurationList> {
    return JSON.parse(await readFile(join(this.#options.configDirectory, file), 'utf8')) as ConfigurationList;
  }

  async #write(file: string, content: object): Promise<void> {
    const target = join(this.#options.configDirectory, file);
    const text = `${JSON.stringify(content, null, 2)}\n`;
    if ((await readFile(target, 'utf8').catch(() => '')) === text) return;
    await writeFile(`${target}.tmp`, text);
    await rename(`${target}.tmp`, target);
    log.info({ target }, 'CNI configuration written');
  }

  async #remove(): Promise<void> {
    for (const file of await readdir(this.#options.configDirectory)) {
      if (file === `${PLUGIN}.conf`) await rm(join(this.#options.configDirectory, file));
      else if (file.endsWith('.conflist')) {
        const list = await this.#read(file);
        const plugins = (list.plugins ?? []).filter((plugin) => plugin.type !== PLUGIN);
        if (plugins.length !== (list.plugins ?? []).length) await this.#write(file, { ...list, plugins });
      }
    }
    await rm(join(this.#options.binDirectory, PLUGIN), { force: true });
    log.info({}, 'plugin removed');
  }
}
