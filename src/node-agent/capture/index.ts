// What to capture of a pod's traffic, as data. Pure.
export { captureOptionsOfPod, defaultCaptureOptions, parseCaptureArguments, type CaptureOptions } from './capture-options.ts';
export { planCapture, type CapturePlan, type CaptureRule } from './capture-plan.ts';
export { chainsOf, restoreText, ruleText } from './restore-text.ts';
