// A webhook for the contract's scenarios: an HTTPS server on loopback that answers what a scenario wants and keeps what it was asked. Loopback is
// reachable from the sandbox and from a kube-apiserver of ring 2 alike.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CertificateAuthority } from '../../src/sandbox/auth/index.ts';

const ADDRESS = '127.0.0.1';

/** A review that the webhook got. */
export interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: any;
}

/** What the webhook says to a review: the response without its uid, or how it misbehaves. */
export type Reply = (review: Review) => object;

/** An answer that is none: `raw` is sent as it stands. */
export interface RawReply {
  readonly raw: string;
  readonly code?: number;
}

/** A running webhook. */
export class WebhookServer {
  readonly authority: string;
  readonly port: number;
  /** What it was asked, by path. */
  readonly seen: { readonly path: string; readonly review: Review }[] = [];
  readonly #close: () => Promise<void>;

  private constructor(authority: string, port: number, seen: WebhookServer['seen'], close: () => Promise<void>) {
    this.authority = authority;
    this.port = port;
    this.seen = seen;
    this.#close = close;
  }

  /** Starts one that answers each path by its reply; a path without one is never answered. */
  static async start(replies: Readonly<Record<string, Reply>>): Promise<WebhookServer> {
    const authority = await CertificateAuthority.open();
    const serving = await authority.issue({ commonName: 'webhook', usage: 'server', dnsNames: ['localhost'], addresses: [ADDRESS] });
    const seen: WebhookServer['seen'] = [];
    const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url?.split('?')[0] ?? '';
        const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
        seen.push({ path, review });
        const reply = replies[path]?.(review) as Partial<RawReply> | undefined;
        if (!reply) return;
        response.writeHead(reply.code !== undefined && reply.raw !== undefined ? reply.code : 200, { 'content-type': 'application/json' });
        response.end(reply.raw ?? JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request?.uid, ...reply } }));
      });
    });
    await new Promise<void>((resolve) => { server.listen(0, ADDRESS, () => { resolve(); }); });
    const { port } = server.address() as AddressInfo;
    return new WebhookServer(Buffer.from(authority.certificatePem).toString('base64'), port, seen, () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }));
  }

  /** How a configuration names a path of it. */
  client(path: string): { url: string; caBundle: string } {
    return { url: `https://${ADDRESS}:${String(this.port)}${path}`, caBundle: this.authority };
  }

  /** Takes out what it was asked so far. */
  take(): WebhookServer['seen'] {
    return this.seen.splice(0);
  }

  close(): Promise<void> {
    return this.#close();
  }
}
