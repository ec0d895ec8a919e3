import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { expectGolden } from '../../../test/support/golden.ts';
import { captureOptionsOfPod, parseCaptureArguments, planCapture, restoreText } from './index.ts';

const golden = fileURLToPath(new URL('../../../test/golden/capture/', import.meta.url));
const cases: Record<string, string> = {
  default: '-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x  -b * -d 15090,15021,15020',
  ranges: '-i 10.0.0.0/8,fd00::/8 -x 10.1.0.0/16 -b 8080,9090 -o 5432 -q 443 -c eth1',
  'no-inbound': '-b ',
  tproxy: '-m TPROXY -g 1337,2000',
  dns: '--redirect-dns',
};

describe('planCapture', () => {
  for (const [name, line] of Object.entries(cases)) {
    it(`gives the rules of ${name}`, () => {
      const options = parseCaptureArguments(line.split(' ').filter((word, index, all) => word !== '' || all[index - 1]?.startsWith('-')));
      if (!options.ok) throw new Error(JSON.stringify(options.error));
      const text = (['IPv4', 'IPv6'] as const).map((family) => {
        const plan = planCapture(options.value, family);
        return `# ${family}\n${restoreText(plan)}${plan.routes.map((route) => `# ip ${route.join(' ')}\n`).join('')}`;
      }).join('');
      expectGolden(`${golden}${name}.rules`, text);
    });
  }

  it('refuses what could become another rule', () => {
    for (const args of [['-b', '80 -j ACCEPT'], ['-i', '10.0.0.0/8;reboot'], ['-u', 'root'], ['-c', 'eth0 -j DROP'], ['-m', 'NONE'], ['--unknown', '1'], ['-o', '70000']]) {
      expect(parseCaptureArguments(args).ok, args.join(' ')).toBe(false);
    }
  });
});

describe('captureOptionsOfPod', () => {
  it('captures only pods with a sidecar that want it', () => {
    expect(captureOptionsOfPod({})).toBeUndefined();
    expect(captureOptionsOfPod({ 'sidecar.istio.io/status': '{}', 'sidecar.istio.io/interceptionMode': 'NONE' })).toBeUndefined();
    const options = captureOptionsOfPod({ 'sidecar.istio.io/status': '{}', 'traffic.sidecar.istio.io/excludeInboundPorts': '22', 'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8' });
    expect(options?.ok && options.value).toMatchObject({ excludeInboundPorts: ['15090', '15021', '15020', '22'], includeOutboundRanges: ['10.0.0.0/8'] });
  });
});
