// Capture plans in the kernel.
export { addressFamilies } from './address-families.ts';
export { applyCapture, removeCapture, type AppliedCapture } from './apply-capture.ts';
export { PROBE_ADDRESS, probeCapture } from './probe-capture.ts';
export { FirewallError, programRunner, type RunProgram } from './run-program.ts';
export { NOT_CAPTURED_STATUS, runCaptureCommand } from './capture-command.ts';
