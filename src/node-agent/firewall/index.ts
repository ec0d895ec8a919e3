// Capture plans in the kernel.
export { applyCapture, FirewallError, programRunner, type RunProgram } from './apply-capture.ts';
