import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectGolden } from '../../../test/support/golden.ts';
import { captureOptionsOfPod, captureState, defaultCaptureOptions, isCapturedBy, obsoleteRules, parseCaptureArguments, planCapture, restoreText, type CaptureOptions } from './index.ts';

const golden = fileURLToPath(new URL('../../../test/golden/capture/', import.meta.url));
const cases: Record<string, string> = {
  default: '-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x  -b * -d 15090,15021,15020',
  ranges: '-i 10.0.0.0/8,fd00::/8 -x 10.1.0.0/16 -b 8080,9090 -o 5432 -q 443 -c eth1',
  'no-inbound': '-b ',
  tproxy: '-m TPROXY -g 1337,2000 -c eth1',
  'tproxy-ports': '-m TPROXY -b 8080 -t 1500 -r 200',
  dns: '--redirect-dns',
  'virtual-machine': '-k eth1,eth2 -i 10.0.0.0/8 -x 10.1.0.0/16',
  'drop-invalid': '--drop-invalid',
};

describe('planCapture', () => {
  const text = (line: string, environment: Record<string, string> = {}, dnsServers?: string[]): string => {
    const command = parseCaptureArguments(line.split(' ').filter((word, index, all) => word !== '' || all[index - 1]?.startsWith('-')), environment);
    if (!command.ok) throw new Error(JSON.stringify(command.error));
    return (['IPv4', 'IPv6'] as const).map((family) => {
      const plan = planCapture({ ...command.value.options, dnsServers }, family);
      return `# ${family}\n${restoreText(plan)}${plan.routes.map(({ object, words }) => `# ip ${object} add ${words.join(' ')}\n`).join('')}`;
    }).join('');
  };
  for (const [name, line] of Object.entries(cases)) {
    it(`gives the rules of ${name}`, () => expectGolden(`${golden}${name}.rules`, text(line)));
  }
  it('gives the rules of dns to the pod\'s own servers', () => expectGolden(`${golden}dns-servers.rules`, text('', { ISTIO_META_DNS_CAPTURE: 'true' }, ['10.96.0.10', 'fd00:10:96::a'])));
  it('gives the rules of owner groups', () => {
    expectGolden(`${golden}groups.rules`, text('--redirect-dns', { ISTIO_OUTBOUND_OWNER_GROUPS: '100,202' }));
    expectGolden(`${golden}groups-exclude.rules`, text('', { ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE: '888' }));
  });
});

describe('parseCaptureArguments', () => {
  it('refuses what could become another rule', () => {
    for (const args of [
      ['-b', '80 -j ACCEPT'], ['-i', '10.0.0.0/8;reboot'], ['-i', '10.0.0.0/33'], ['-i', '300.0.0.0/8'], ['-i', 'fd00:::/8'], ['-x', '*'], ['-u', 'root'], ['-c', 'eth0 -j DROP'], ['-c', '-j'],
      ['-m', 'NONE'], ['--unknown', '1'], ['--native-nftables'], ['-o', '70000'], ['-p', 'http'], ['-t', '0'], ['--probe-timeout', 'soon'],
    ]) {
      expect(parseCaptureArguments(args).ok, args.join(' ')).toBe(false);
    }
  });

  it('takes flags with = and switches that are turned off', () => {
    const parsed = parseCaptureArguments(['--envoy-port=16001', '--redirect-dns=false', '--run-validation', '--skip-rule-apply', '--probe-timeout=500ms'], { ISTIO_META_DNS_CAPTURE: 'true' });
    expect(parsed.ok && parsed.value).toMatchObject({ validate: true, skipRuleApply: true, probeTimeoutMilliseconds: 500, options: { outboundPort: 16001, redirectDns: false } });
  });
});

describe('captureState', () => {
  const plan = planCapture({ ...defaultCaptureOptions, mode: 'TPROXY', redirectDns: true });
  // As iptables-save prints the same rules.
  const asSaved = (text: string): string => text
    .replaceAll(/^(-A \S+) (.*?)(-o lo )?(-p tcp )/gm, '$1 $3$2$4-m tcp ').replaceAll('--set-mark 1337', '--set-xmark 0x539/0xffffffff').replaceAll('--set-mark 1338', '--set-xmark 0x53a/0xffffffff')
    .replaceAll('--mark 1337', '--mark 0x539').replaceAll('--mark 1338', '--mark 0x53a').replaceAll('--tproxy-mark 1337/0xffffffff --on-port 15006', '--on-port 15006 --on-ip 0.0.0.0 --tproxy-mark 0x539/0xffffffff')
    .replaceAll(/--(save|restore)-mark/g, '--$1-mark --nfmask 0xffffffff --ctmask 0xffffffff');

  it('knows its own rules in the words of the kernel\'s tools', () => {
    expect(captureState(plan, '')).toBe('absent');
    expect(captureState(plan, '*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n')).toBe('absent');
    expect(captureState(plan, asSaved(restoreText(plan)))).toBe('same');
    expect(captureState(plan, asSaved(restoreText(plan)).replace('--dport 15021', '--dport 15022'))).toBe('different');
    expect(captureState(plan, asSaved(restoreText(planCapture(defaultCaptureOptions))))).toBe('different');
  });

  it('names what an earlier capture left, and nothing of others', () => {
    const saved = '*nat\n:OUTPUT ACCEPT [0:0]\n:ISTIO_OLD - [0:0]\n:KUBE-SERVICES - [0:0]\n-A OUTPUT -j KUBE-SERVICES\n-A OUTPUT -p tcp -j ISTIO_OLD\n-A ISTIO_OLD -j RETURN\nCOMMIT\n';
    expect(restoreText({ rules: [] }, obsoleteRules(saved))).toBe('*nat\n:ISTIO_OLD - [0:0]\n-D OUTPUT -p tcp -j ISTIO_OLD\n-X ISTIO_OLD\nCOMMIT\n');
  });
});

describe('any plan', () => {
  const port = fc.integer({ min: 1, max: 65_535 }).map(String);
  const ranges = fc.array(fc.oneof(fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })), fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))).map(([address, bits]) => `${address}/${bits}`), { maxLength: 3 });
  const options: fc.Arbitrary<CaptureOptions> = fc.record({
    mode: fc.constantFrom('REDIRECT' as const, 'TPROXY' as const), includeOutboundRanges: fc.oneof(fc.constant(['*']), ranges), excludeOutboundRanges: ranges,
    includeInboundPorts: fc.oneof(fc.constant(['*']), fc.array(port, { maxLength: 3 })), excludeInboundPorts: fc.array(port, { maxLength: 3 }), includeOutboundPorts: fc.array(port, { maxLength: 2 }), excludeOutboundPorts: fc.array(port, { maxLength: 2 }),
    excludeInterfaces: fc.uniqueArray(fc.constantFrom('eth1', 'eth2'), { maxLength: 2 }), virtualInterfaces: fc.uniqueArray(fc.constantFrom('vm0', 'vm1'), { maxLength: 2 }), redirectDns: fc.boolean(), dropInvalid: fc.boolean(),
    excludeOutboundGroups: fc.array(fc.constantFrom('100', '200'), { maxLength: 2 }),
  }).map((some) => ({ ...defaultCaptureOptions, ...some }));
  const family = fc.constantFrom('IPv4' as const, 'IPv6' as const);

  it('is found again in what it wrote, and taken away by what it left', () => {
    fc.assert(fc.property(options, family, (some, name) => {
      const plan = planCapture(some, name);
      const text = restoreText(plan);
      expect(captureState(plan, text)).toBe('same');
      const obsolete = obsoleteRules(text);
      // Every rule in the kernel's own chains is named, and every chain of ours.
      expect(obsolete.rules.map((rule) => rule.text)).toEqual(text.split('\n').filter((line) => /^-A (PREROUTING|OUTPUT) /.test(line)));
      expect(obsolete.chains).toHaveLength(text.split('\n').filter((line) => line.startsWith(':ISTIO_')).length);
    }));
  });

  it('has one line a rule, whatever the arguments say', () => {
    const flag = fc.constantFrom('-i', '-x', '-b', '-d', '-q', '-o', '-c', '-k', '-u', '-g', '-t', '-p');
    fc.assert(fc.property(fc.array(fc.tuple(flag, fc.oneof(fc.string(), fc.constantFrom('80,443', '*', '10.0.0.0/8', 'eth0\n-A', '1337', '::/0')))), (pairs) => {
      const parsed = parseCaptureArguments(pairs.flat());
      if (!parsed.ok) return;
      const plan = planCapture(parsed.value.options);
      expect(restoreText(plan).split('\n').filter((line) => line.startsWith('-'))).toHaveLength(plan.rules.length);
    }));
  });
});

describe('pod annotations', () => {
  const status = { 'sidecar.istio.io/status': '{}', 'maistra.io/cni-plugin': 'v3-1-istio-cni' };

  it('captures only pods of its own version that want it', () => {
    expect(isCapturedBy('v3-1-istio-cni', status)).toBe(true);
    expect(isCapturedBy('v3-0-istio-cni', status)).toBe(false);
    expect(isCapturedBy('v3-1-istio-cni', {})).toBe(false);
    expect(isCapturedBy('v3-1-istio-cni', { 'sidecar.istio.io/status': '{}' })).toBe(false);
    expect(isCapturedBy('v3-1-istio-cni', { ...status, 'sidecar.istio.io/interceptionMode': 'NONE' })).toBe(false);
  });

  it('says what is captured', () => {
    const options = captureOptionsOfPod({ ...status, 'traffic.sidecar.istio.io/excludeInboundPorts': '22,15020', 'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8', 'maistra.io/capture-dns': 'true' });
    expect(options.ok && options.value).toMatchObject({ excludeInboundPorts: ['15090', '15021', '15020', '22'], includeOutboundRanges: ['10.0.0.0/8'], redirectDns: true });
    expect(captureOptionsOfPod({ ...status, 'traffic.sidecar.istio.io/excludeInboundPorts': '22 -j DROP' }).ok).toBe(false);
  });
});
