import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from './protobuf-body.ts';

const text = (number: number, value: string): Buffer => message(number, Buffer.from(value));
const varint = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);

function message(number: number, body: Buffer): Buffer {
  const tag = (number << 3) | 2;
  const head = tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7];
  return Buffer.concat([Buffer.from([...head, body.length]), body]);
}

function envelope(apiVersion: string, kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('k8s\0'), message(1, Buffer.concat([text(1, apiVersion), text(2, kind)])), message(2, body)]);
}

describe('protobuf bodies', () => {
  it('become the objects that JSON would have given', () => {
    const metadata = message(1, Buffer.concat([text(1, 's'), message(11, Buffer.concat([text(1, 'app'), text(2, 'web')])), message(8, Buffer.concat([varint(1, 60)]))]));
    const targetPort = message(4, Buffer.concat([varint(1, 1), text(3, 'http')]));
    const port = message(1, Buffer.concat([text(1, ''), varint(3, 80), targetPort]));
    const spec = message(2, Buffer.concat([port, message(2, Buffer.concat([text(1, 'app'), text(2, 'web')]))]));
    expect(decodeProtobuf(envelope('v1', 'Service', Buffer.concat([metadata, spec])))).toEqual({
      apiVersion: 'v1', kind: 'Service', metadata: { name: 's', labels: { app: 'web' }, creationTimestamp: '1970-01-01T00:01:00Z' },
      spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { app: 'web' } },
    });
  });

  it('fields that are nested on the wire alone come out flat, quantities as text, bytes as base64', () => {
    const probe = message(11, Buffer.concat([message(1, message(3, message(1, varint(2, 80)))), varint(2, 5)]));
    const resources = message(8, message(1, Buffer.concat([text(1, 'cpu'), message(2, text(1, '100m'))])));
    const pod = message(2, message(2, Buffer.concat([text(1, 'c'), probe, resources])));
    expect(decodeProtobuf(envelope('v1', 'Pod', pod))['spec']).toEqual({ containers: [{ name: 'c', readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 5 }, resources: { limits: { cpu: '100m' } } }] });
    expect(decodeProtobuf(envelope('v1', 'Secret', message(2, Buffer.concat([text(1, 'k'), text(2, 'v')]))))['data']).toEqual({ k: 'dg==' });
  });

  it.each([
    ['no magic', Buffer.from('{"kind":"Pod"}')],
    ['cut off', envelope('v1', 'Pod', text(1, 'abc')).subarray(0, 14)],
    ['a kind of another group', envelope('example.com/v1', 'Nothing', Buffer.alloc(0))],
  ])('with %s are refused', (_what, bytes) => {
    expect(() => decodeProtobuf(bytes)).toThrow(expect.objectContaining({ code: 400 }));
  });
});
