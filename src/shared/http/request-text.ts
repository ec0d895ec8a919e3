// A small HTTP client for neighbours in the same pod: one request on a connection of its own, with an end to time and size.
import { request as httpRequest } from 'node:http';

/** What to ask, and how much of an answer to take. */
export interface TextRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte after which the neighbour is given up. */
  readonly timeoutMilliseconds: number;
  /** Bytes beyond which the answer is refused. */
  readonly limitBytes: number;
}

/** The body of an answer with status 200; rejects for any other. */
export function requestText({ host, port, path, method = 'GET', headers = {}, timeoutMilliseconds, limitBytes }: TextRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host, port, path, method, headers: { ...headers }, agent: false, timeout: timeoutMilliseconds }, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length <= limitBytes) {
          parts.push(part);
          return;
        }
        // The end of a short answer may be on its way already, and must not pass for the end of a whole one.
        reject(new Error(`the answer is longer than ${limitBytes} bytes`));
        request.destroy();
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(Buffer.concat(parts).toString('utf8')) : reject(new Error(`status ${response.statusCode ?? 0}`))));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  });
}
