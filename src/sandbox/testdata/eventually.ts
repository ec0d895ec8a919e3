// Waiting and asking, for the tests of the sandbox.
import http from 'node:http';

/** Resolves with the first defined and true answer of `question`; fails when there is none in time. */
export async function eventually<T>(question: () => Promise<T | undefined | false> | T | undefined | false, milliseconds = 10_000): Promise<T> {
  const end = Date.now() + milliseconds;
  let last: unknown;
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not so within ${milliseconds} ms: ${question.toString()}${last === undefined ? '' : `; last: ${String(last)}`}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The body of a GET on a connection of its own. */
export function get(host: string, port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    http.get({ host, port, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      response.on('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}: ${body}`))));
      response.on('error', reject);
    }).on('error', reject);
  });
}
