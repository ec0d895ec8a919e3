// The CNI plugin, and how it speaks to the node agent.
export { LINE_LIMIT, SOCKET_ROOT, type CaptureReply, type CaptureRequest } from './agent-protocol.ts';
export { ANNOTATIONS_CAPABILITY, runCniPlugin, type CniAnswer } from './cni-plugin.ts';
