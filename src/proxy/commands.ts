// The small commands beside running: `wait` holds a container's start until the proxy is ready, `request` sends one to the agent.
import { request as httpRequest } from 'node:http';

/** Returns when `url` answers 200; false when that does not happen in time. */
export async function waitUntilReady(url: string, timeoutMilliseconds: number, periodMilliseconds: number): Promise<boolean> {
  const end = Date.now() + timeoutMilliseconds;
  for (;;) {
    const status = await statusOf('GET', url);
    if (status === 200) return true;
    if (Date.now() + periodMilliseconds > end) return false;
    await new Promise((resolve) => setTimeout(resolve, periodMilliseconds));
  }
}

/** Sends a request to a port of this pod; returns status and body. Throws when nothing answers. */
export function requestLocal(method: string, port: number, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false, timeout: 10_000, headers: { connection: 'close', 'content-length': 0 } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  });
}

/** The status of an answer; 0 when there is none. */
function statusOf(method: string, url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { method, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
    request.end();
  });
}
