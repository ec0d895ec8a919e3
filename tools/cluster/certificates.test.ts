import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { ClusterAuthority } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-pki-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('`ClusterAuthority` issues certificates that servers and clients take from each other', async () => {
  const authority = await ClusterAuthority.create(folder);
  const server = await authority.issue('server', { commonName: 'kube-apiserver', hosts: ['kubernetes.default.svc', '127.0.0.1', '::1'] });
  const client = await authority.issue('client', { commonName: 'system:node:node1', organizations: ['system:nodes'] });
  const listener = createServer({ cert: readFileSync(server.certificate), key: readFileSync(server.key), ca: authority.pem, requestCert: true }, (incoming, response) => {
    response.end(String((incoming.socket as TLSSocket).getPeerCertificate().subject.CN));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const asked = request({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, ca: authority.pem, cert: readFileSync(client.certificate), key: readFileSync(client.key) });
  asked.end();
  const [answer] = await once(asked, 'response') as [AsyncIterable<Buffer>];
  let text = '';
  for await (const chunk of answer) text += chunk.toString();
  listener.close();
  expect(text).toBe('system:node:node1');
  expect(new X509Certificate(readFileSync(client.certificate)).subject).toBe('O=system:nodes\nCN=system:node:node1');
  expect(new X509Certificate(readFileSync(server.certificate)).checkIP('::1')).toBe('::1');
  expect(statSync(client.key).mode & 0o077).toBe(0);
});
