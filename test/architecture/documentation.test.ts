// What docs/architecture/overview.md says of ports, programs and floors is what the code does.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseArguments } from '../../src/control-plane/options.ts';
import { parseOperatorOptions } from '../../src/operator/options.ts';
import { readProxyOptions } from '../../src/proxy/options/index.ts';
import { MeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { readImportTable } from './planted-sources.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const overview = readFileSync(join(root, 'docs/architecture/overview.md'), 'utf8');

/** The cells of each row of the table under a heading. */
function tableUnder(heading: string): string[][] {
  const section = overview.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|')).map((line) => line.slice(1, -1).split(/(?<!\\)\|(?![^`]*`[^`]*$)/).map((cell) => cell.trim()));
  expect(rows.length, `the table under ${heading}`).toBeGreaterThan(2);
  return rows.slice(2);
}

function proxyPorts(): number[] {
  const options = readProxyOptions({ role: 'sidecar', flags: {}, environment: { INSTANCE_IP: '10.0.0.1', POD_NAME: 'pod', ISTIO_META_DNS_CAPTURE: 'true' }, readFile: () => undefined });
  if (!options.ok) throw new Error(options.error.join('; '));
  const { adminPort, statusPort, healthPort, prometheusPort, dns } = options.value;
  const mesh = MeshConfig.parse({});
  const template = readFileSync(join(root, 'templates/v3.1/injection/sidecar.yaml.hbs'), 'utf8');
  const explicit = [...template.matchAll(/default proxyConfig\.proxyHttpPort (\d+)/g)].map(([, port]) => Number(port));
  return [adminPort, statusPort, healthPort, prometheusPort, dns?.port ?? 0, mesh.proxyListenPort, mesh.proxyInboundListenPort, ...new Set(explicit)];
}

function controlPlanePorts(): number[] {
  const parsed = parseArguments([], {});
  if (parsed.kind !== 'run') throw new Error(`mizzend does not start without arguments: ${JSON.stringify(parsed)}`);
  return Object.values(parsed.options).flatMap((value: unknown) => (typeof value === 'object' && value !== null && 'port' in value ? [Number(value.port)] : []));
}

function operatorPorts(): number[] {
  const { webhookPort, probePort, metricsPort } = parseOperatorOptions([], {}, { version: '0', templatesDirectory: '', crdsDirectory: '' });
  return [webhookPort, probePort, metricsPort];
}

test.each([['proxy', proxyPorts], ['mizzend', controlPlanePorts], ['operator', operatorPorts]])('the ports of %s are the defaults of its options', (part, ports) => {
  const written = tableUnder('Ports').filter(([, who = '']) => who.split(',')[0] === part).flatMap(([port = '']) => port.split(',').map(Number));
  expect(written.sort()).toEqual(ports().sort());
});

test('the table of programs names the programs there are', () => {
  const programs = tableUnder('Programs').map(([program = '']) => program.replaceAll('`', ''));
  expect(programs.sort()).toEqual(readdirSync(join(root, 'src/main')).filter((file) => !file.endsWith('.test.ts')).sort());
});

test('the floors name each part that has a row in the import table', async () => {
  const { MAY_IMPORT } = await readImportTable();
  const drawing = overview.split('```')[1] ?? '';
  for (const part of new Set(Object.keys(MAY_IMPORT).map((folder) => folder.replace(/^shared\//, '').split('/')[0] ?? ''))) expect(drawing).toMatch(new RegExp(`\\b${part}\\b`));
});
