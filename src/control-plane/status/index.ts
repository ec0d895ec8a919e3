// Status of Istio's objects.
export { ConfigStatusWriter } from './config-status.ts';
