// The admission webhooks.
export { InjectionSource } from './injection-source.ts';
export { injectionRoutes, type InjectionOptionsSource } from './injection-webhook.ts';
export { validationRoutes, type ConfigChecks } from './validation-webhook.ts';
