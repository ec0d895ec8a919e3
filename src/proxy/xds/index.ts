// Discovery: the stream to the control plane, what it brought, and the configuration made of it.
export { AdsClient, type AdsClientOptions, type AdsStatus } from './ads-client.ts';
export { DELTA_AGGREGATED, STREAM_AGGREGATED } from './ads-methods.ts';
export { Configuration, type ApplyOutcome, type ConfigurationOptions, type Interest } from './configuration.ts';
export { messageForm } from './message-form.ts';
export { ResourceStore, type RefusedResource, type ResourceTable, type StoredResource } from './resource-store.ts';
