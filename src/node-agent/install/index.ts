// The plugin's place on the node.
export { ownRuntimeFiles, type RuntimeFiles } from './host-runtime.ts';
export { isUninstalled } from './uninstall.ts';
export { PluginInstaller, type PluginInstallerOptions } from './plugin-installer.ts';
