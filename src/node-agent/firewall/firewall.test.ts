import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultCaptureOptions, type AddressFamily, type CaptureOptions } from '../capture/index.ts';
import { applyCapture, removeCapture } from './apply-capture.ts';
import { addressFamilies } from './address-families.ts';
import { chooseBackend, firewallTools, type Backend } from './backend.ts';
import { runCaptureCommand } from './capture-command.ts';
import { programRunner } from './run-program.ts';
import { connectedNamespaces, hasForeignFunctions, whyNoNamespaces, works } from './testdata/network.ts';

const APPLICATION = 1000;
const PROXY = 1337;
const impossible = whyNoNamespaces();
const hosts: Record<AddressFamily, { pod: string; client: string; far: string; loopback: string }> = {
  IPv4: { pod: '10.77.0.2', client: '10.77.0.1', far: '203.0.113.7', loopback: '127.0.0.1' },
  IPv6: { pod: 'fd77::2', client: 'fd77::1', far: '2001:db8::7', loopback: '::1' },
};

describe('chooseBackend', () => {
  it('keeps to the backend that has rules, else prefers nft', () => {
    expect(chooseBackend({ nft: '', legacy: '' })).toBe('nft');
    expect(chooseBackend({ nft: '*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n', legacy: '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\nCOMMIT\n' })).toBe('legacy');
    expect(chooseBackend({ legacy: '' })).toBe('legacy');
    expect(() => chooseBackend({})).toThrow('neither iptables-nft nor iptables-legacy works here');
  });
});

describe('runCaptureCommand', () => {
  it('prints the rules in a dry run and says what is wrong with its arguments', async () => {
    expect(await runCaptureCommand(['--dry-run'], {})).toMatchObject({ status: 0, output: expect.stringContaining('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001') });
    expect(await runCaptureCommand(['-b', 'http'], {})).toMatchObject({ status: 1, output: expect.stringContaining("'http' is not a port or *") });
  });
});

describe.skipIf(impossible !== undefined)(`capture in a network namespace${impossible ? ` (${impossible})` : ''}`, () => {
  let network: Awaited<ReturnType<typeof connectedNamespaces>>;
  beforeEach(async () => { network = await connectedNamespaces(); });
  afterEach(() => network.close());
  const capture = (options: Partial<CaptureOptions> = {}, backend?: Backend) =>
    applyCapture({ ...defaultCaptureOptions, ...options }, { families: ['IPv4', 'IPv6'], run: programRunner(network.pod.path), backend });

  for (const backend of ['nft', 'legacy'] as const) {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const { pod, client, far, loopback } = hosts[family];
      it.skipIf(!works(firewallTools(backend, family).tables))(`redirects ${family} with the ${backend} backend, and only what is asked`, { timeout: 30_000 }, async () => {
        await network.pod.listen('tcp:15001', 'tcp:15006', 'tcp:8080', 'tcp:9090', 'udp:15053');
        await network.client.listen('tcp:5432', 'tcp:443', 'udp:53');
        const excluded = { excludeInboundPorts: ['15020', '9090'], excludeOutboundPorts: ['5432'], excludeOutboundRanges: ['10.77.0.1/32', 'fd77::1/128'], redirectDns: true };
        expect(await capture(excluded, backend)).toMatchObject([{ backend, outcome: 'applied' }, { backend, outcome: 'applied' }]);
        expect(await capture(excluded)).toMatchObject([{ backend, outcome: 'unchanged' }, { backend, outcome: 'unchanged' }]);
        // Inbound: all but the excluded port.
        expect(network.client.ask(APPLICATION, 'tcp', pod, 8080)).toBe(`15006 from ${client} to ${pod}:15006`);
        expect(network.client.ask(APPLICATION, 'tcp', pod, 9090)).toMatch(/^9090 /);
        // Outbound: the application's to anywhere, but not to the excluded range and port, nor the proxy's own.
        expect(network.pod.ask(APPLICATION, 'tcp', far, 80)).toMatch(/^15001 /);
        expect(network.pod.ask(APPLICATION, 'tcp', client, 443)).toMatch(/^443 /);
        expect(network.pod.ask(PROXY, 'tcp', client, 443)).toMatch(/^443 /);
        // Loopback stays loopback; the proxy calling its own pod by address goes through the inbound listener.
        expect(network.pod.ask(APPLICATION, 'tcp', loopback, 8080)).toMatch(/^8080 /);
        expect(network.pod.ask(PROXY, 'tcp', pod, 8080)).toMatch(/^15006 /);
        // Look-ups: the application's are the proxy's to answer, the proxy's go out.
        expect(network.pod.ask(APPLICATION, 'udp', client, 53)).toBe('15053');
        expect(network.pod.ask(PROXY, 'udp', client, 53)).toBe('53');
      });

      it.skipIf(!works(firewallTools(backend, family).tables) || !hasForeignFunctions())(`keeps the client's address and the port asked for with TPROXY, ${family}, ${backend}`, { timeout: 30_000 }, async () => {
        await network.pod.listen('transparent:15006', 'tcp:15001', 'tcp:9090');
        await network.client.listen('tcp:443');
        expect(await capture({ mode: 'TPROXY', excludeInboundPorts: ['9090'] }, backend)).toMatchObject([{ outcome: 'applied' }, { outcome: 'applied' }]);
        expect(await capture({ mode: 'TPROXY', excludeInboundPorts: ['9090'] })).toMatchObject([{ outcome: 'unchanged' }, { outcome: 'unchanged' }]);
        expect(network.client.ask(APPLICATION, 'tcp', pod, 8080)).toBe(`15006 from ${client} to ${pod}:8080`);
        expect(network.client.ask(APPLICATION, 'tcp', pod, 9090)).toMatch(/^9090 /);
        expect(network.pod.ask(APPLICATION, 'tcp', far, 80)).toMatch(/^15001 /);
        expect(network.pod.ask(PROXY, 'tcp', client, 443)).toMatch(/^443 /);
        // Back to redirection: nothing of TPROXY is left.
        expect(await capture()).toMatchObject([{ backend, outcome: 'replaced' }, { backend, outcome: 'replaced' }]);
        expect(network.pod.run(firewallTools(backend, family).save)).not.toMatch(/TPROXY|ISTIO_DIVERT|CONNMARK|--set-xmark/);
      });
    }

    it.skipIf(!works(`iptables-${backend}`))(`removes all of it with the ${backend} backend, and finds the other backend's first`, { timeout: 30_000 }, async () => {
      await capture({ mode: 'TPROXY', redirectDns: true, dropInvalid: true, virtualInterfaces: ['vm0'] }, backend);
      await removeCapture(defaultCaptureOptions, { families: ['IPv4', 'IPv6'], run: programRunner(network.pod.path) });
      for (const tools of [firewallTools(backend, 'IPv4'), firewallTools(backend, 'IPv6')]) expect(network.pod.run(tools.save)).not.toMatch(/ISTIO|^-A/m);
      expect(network.pod.run('ip', 'rule')).not.toContain('lookup 133');
    });
  }

  it('moves a capture from one backend to the other when told', { timeout: 30_000 }, async () => {
    await capture({}, 'legacy');
    expect(await capture({}, 'nft')).toMatchObject([{ backend: 'nft', outcome: 'applied' }, { backend: 'nft', outcome: 'applied' }]);
    expect(network.pod.run('iptables-legacy-save')).not.toContain('ISTIO');
  });

  it('finds the families of a namespace, and tries its capture with a connection', { timeout: 30_000 }, async () => {
    const run = programRunner(network.pod.path);
    expect(await addressFamilies(run)).toEqual(['IPv4', 'IPv6']);
    network.pod.run('ip', '-6', 'address', 'flush', 'dev', 'eth0');
    expect(await addressFamilies(run)).toEqual(['IPv4']);
    const probe = (uid: number): string => {
      const script = `process.setuid(${uid}); const { runCaptureCommand } = await import(${JSON.stringify(new URL('./capture-command.ts', import.meta.url).href)}); process.stdout.write(JSON.stringify(await runCaptureCommand(['--run-validation', '--skip-rule-apply', '--probe-timeout', '2s'], {})));`;
      return network.pod.run(process.execPath, '--input-type=module', '-e', script);
    };
    expect(JSON.parse(probe(PROXY))).toMatchObject({ status: 126, output: expect.stringContaining('was not redirected to port 15006') });
    await capture();
    expect(JSON.parse(probe(PROXY))).toMatchObject({ status: 0, output: 'traffic is captured' });
  });
});
