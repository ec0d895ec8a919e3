// The module that the node of the sandbox preloads into every container's process (NODE_OPTIONS=--import): it gives the
// process the addresses, names and files of its pod. docs/architecture/overview.md says what it changes and why.
import { syncBuiltinESMExports } from 'node:module';
import { mapPath, viewFiles } from './file-view.ts';
import { viewNames } from './name-view.ts';
import { viewNetwork } from './network-view.ts';
import { VIEW_VARIABLE, type ContainerViewConfig } from './view-config.ts';

const text = process.env[VIEW_VARIABLE];
if (text !== undefined) {
  const config = JSON.parse(text) as ContainerViewConfig;
  viewNetwork(config, (path) => mapPath(config, path));
  viewNames(config);
  if (config.mounts.length > 0) viewFiles(config);
  syncBuiltinESMExports();
}
