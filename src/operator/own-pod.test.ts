import { describe, expect, it } from 'vitest';
import { loggingRoutes, type HttpRequest } from '../shared/http/index.ts';
import { fromOwnPod } from './own-pod.ts';

const request = (remoteAddress: string): HttpRequest => ({ method: 'POST', path: '/debug/logging', query: new URLSearchParams({ level: 'info', name: 'own-pod-test' }), headers: {}, body: Buffer.alloc(0), rest: '', remoteAddress, signal: new AbortController().signal, json: () => null });

describe('fromOwnPod', () => {
  const [show, change] = loggingRoutes().map(fromOwnPod);
  it.each(['10.128.0.7', '::ffff:10.128.0.7', 'fd00::7', '', '::ffff:192.168.127.1'])('refuses %s', (address) => {
    for (const route of [show, change]) expect(() => route?.handler(request(address))).toThrow('from within the pod only');
  });
  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('lets %s in', (address) => {
    for (const route of [show, change]) expect(() => route?.handler(request(address))).not.toThrow();
  });
});
