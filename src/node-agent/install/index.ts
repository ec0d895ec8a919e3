// The plugin's place on the node.
export { PluginInstaller, type PluginInstallerOptions } from './plugin-installer.ts';
