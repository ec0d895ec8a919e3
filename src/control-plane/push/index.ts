// Who is pushed what, and when.
export { PushQueue } from './push-queue.ts';
export { mergePushRequests, type PushRequest } from './push-request.ts';
