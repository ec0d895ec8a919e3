// The CNI plugin.
export { ANNOTATIONS_CAPABILITY, runCniPlugin, type CniAnswer } from './cni-plugin.ts';
