import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunProgram } from '../firewall/index.ts';
import { CaptureService } from '../service/index.ts';
import { runCniPlugin } from './index.ts';

const PLUGIN = 'v3-1-istio-cni';
const captured = { 'sidecar.istio.io/status': '{}', 'maistra.io/cni-plugin': PLUGIN };
const previous = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24' }] };

describe('the plugin and the node agent', () => {
  let directory: string;
  const services: CaptureService[] = [];
  let applied: { namespace: string; rules: string }[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cni-'));
    applied = [];
  });
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop();
    await rm(directory, { recursive: true });
  });

  const agent = async (name: string, runnerFor = packetFilter, annotations?: Record<string, string>): Promise<CaptureService> => {
    const service = new CaptureService({
      plugin: PLUGIN, socketDirectory: join(directory, PLUGIN), agent: name, namespaceDirectory: '/ns', annotationsOf: async () => annotations, runnerFor,
    });
    services.push(service);
    await service.start();
    return service;
  };
  // A packet filter that remembers what it was given.
  function packetFilter(namespace: string): RunProgram {
    let rules = '';
    return async (program, _args, input = '') => {
      if (program.endsWith('-restore')) {
        rules += input;
        applied.push({ namespace, rules });
      }
      return program.endsWith('-nft-save') ? rules : '';
    };
  }
  const add = (annotations: Record<string, string> | undefined, { args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart', netns = '/var/run/netns/cni-1' } = {}) => runCniPlugin(
    { CNI_COMMAND: 'ADD', CNI_NETNS: netns, CNI_ARGS: args },
    JSON.stringify({ cniVersion: '1.0.0', type: PLUGIN, socketDirectory: join(directory, PLUGIN), excludeNamespaces: ['istio-system'], prevResult: previous, runtimeConfig: annotations ? { 'io.kubernetes.cri.pod-annotations': annotations } : {} }),
  );

  it('capture a pod with a sidecar in its namespace, and hand the previous result on', async () => {
    await agent('a');
    expect(await add(captured)).toEqual({ status: 0, output: previous });
    expect(applied).toEqual([{ namespace: '/ns/cni-1', rules: expect.stringContaining('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001') }]);
  });

  it('leave other pods alone, also when no agent is there', async () => {
    for (const annotations of [{}, { ...captured, 'maistra.io/cni-plugin': 'v3-0-istio-cni' }, { ...captured, 'sidecar.istio.io/interceptionMode': 'NONE' }]) expect(await add(annotations)).toEqual({ status: 0, output: previous });
    expect(applied).toEqual([]);
  });

  it('hold a pod with a sidecar back while no agent answers', async () => {
    expect(await add(captured)).toMatchObject({ status: 1, output: { code: 11, msg: expect.stringContaining('this pod waits, rather than start with its traffic not captured') } });
    const service = await agent('a');
    expect(await add(captured)).toMatchObject({ status: 0 });
    await service.stop();
    services.pop();
    expect(await add(captured)).toMatchObject({ status: 1 });
  });

  it('find the agent that answers among those that were', async () => {
    await agent('b');
    await writeFile(join(directory, PLUGIN, 'a.sock'), ''); // left by an agent that was killed
    expect(await add(captured)).toMatchObject({ status: 0 });
    const company = await agent('c');
    expect(await company.hasCompany()).toBe(true);
    await services.shift()?.stop();
    expect(await company.hasCompany()).toBe(false);
    expect(await add(captured)).toMatchObject({ status: 0 });
  });

  it('ask the API server where the runtime tells no annotations, except for the agent\'s own namespace', async () => {
    expect(await add(undefined)).toMatchObject({ status: 1 });
    expect(await add(undefined, { args: 'K8S_POD_NAMESPACE=istio-system;K8S_POD_NAME=istio-cni-node-x' })).toEqual({ status: 0, output: previous });
    await agent('a', packetFilter, captured);
    expect(await add(undefined)).toEqual({ status: 0, output: previous });
    expect(applied).toHaveLength(1);
  });

  it('say why a pod cannot be captured', async () => {
    await agent('a', () => async (program) => {
      if (program.endsWith('-restore')) throw new Error('iptables: permission denied');
      return '';
    });
    expect(await add(captured)).toMatchObject({ status: 1, output: { msg: 'iptables: permission denied' } });
    expect(await add(captured, { netns: '/proc/1/ns/net' })).toMatchObject({ status: 1, output: { msg: expect.stringContaining('is not one of /var/run/netns') } });
    expect(await add(captured, { netns: '/var/run/netns/../../etc/passwd' })).toMatchObject({ status: 1 });
    expect(await add({ ...captured, 'traffic.sidecar.istio.io/excludeInboundPorts': 'http' })).toMatchObject({ status: 1, output: { msg: expect.stringContaining("'http' is not a port") } });
  });

  it('agree on no more than a line', async () => {
    const flood: Server = createServer((client) => client.on('error', () => undefined).end('x'.repeat(2 * 1024 * 1024)));
    await agent('z');
    await new Promise<void>((resolve) => flood.listen(join(directory, PLUGIN, 'a.sock'), resolve));
    expect(await add(captured)).toMatchObject({ status: 1, output: { msg: 'the node agent answered more than is read' } });
    flood.close();
  });
});

describe('runCniPlugin', () => {
  it('answers the other commands, and refuses what it cannot read', async () => {
    expect(await runCniPlugin({ CNI_COMMAND: 'VERSION' }, '')).toMatchObject({ status: 0, output: { supportedVersions: expect.arrayContaining(['1.0.0', '1.1.0']) } });
    for (const command of ['DEL', 'CHECK', 'GC', 'STATUS']) expect(await runCniPlugin({ CNI_COMMAND: command }, '{}')).toEqual({ status: 0, output: {} });
    expect(await runCniPlugin({ CNI_COMMAND: 'ADD' }, '{')).toMatchObject({ status: 1, output: { code: 6 } });
    expect(await runCniPlugin({ CNI_COMMAND: 'MOVE' }, '{}')).toMatchObject({ status: 1, output: { code: 4 } });
  });
});
