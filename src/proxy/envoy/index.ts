// An Envoy that the agent runs in place of our own data plane.
export { envoyBootstrap, type BootstrapOptions } from './bootstrap.ts';
export { DiscoveryRelay, type Refusal, type RelayOptions } from './discovery-relay.ts';
export { EnvoyProcess, type EnvoyProcessOptions } from './envoy-process.ts';
export { makePrivateFolder } from './private-socket.ts';
export { secretServer } from './secret-service.ts';
