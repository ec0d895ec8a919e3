// What to capture of a pod's traffic, as data. Pure.
export { parseCaptureArguments, type CaptureCommand } from './capture-arguments.ts';
export { defaultCaptureOptions, type CaptureOptions } from './capture-options.ts';
export { planCapture, type CapturePlan } from './capture-plan.ts';
export { captureOptionsOfPod, isCapturedBy, type Annotations } from './pod-annotations.ts';
export { chainsOf, restoreText } from './restore-text.ts';
export { type AddressFamily, type CaptureRule, type RoutePlan } from './rule.ts';
export { captureState, canonicalRule, obsoleteRules, type CaptureState } from './saved-rules.ts';
