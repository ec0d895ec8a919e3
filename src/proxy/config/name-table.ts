// The name table (istio.networking.nds.v1.NameTable) as plain data: what the DNS server answers. Called by the xDS client.
import type { Issue, Result } from '../../shared/lib/index.ts';
import type { NameTable } from '../../shared/xds/generated/istio/name_table.ts';
import { digestOf } from './digest.ts';
import { Findings } from './findings.ts';
import { isIpAddress } from './values.ts';

/** One host. */
export interface NameInfoConfig {
  readonly addresses: readonly string[];
  /** Name of the Kubernetes service; empty for other hosts. */
  readonly shortName: string;
  readonly namespace: string;
}

/** The hosts of the mesh. */
export interface NameTableConfig {
  readonly hosts: Readonly<Record<string, NameInfoConfig>>;
  readonly digest: string;
}

/** The one resource of its type has no name of its own. */
export const NAME_TABLE = 'name-table';

/** An NDS resource. */
export function compileNameTable(message: NameTable, warnings?: Issue[]): Result<NameTableConfig, Issue[]> {
  const findings = new Findings('NameTable', NAME_TABLE);
  const hosts: Record<string, NameInfoConfig> = {};
  for (const [host, { ips = [], shortname = '', namespace = '' }] of Object.entries(message.table ?? {})) {
    const addresses = ips.filter(isIpAddress);
    if (addresses.length < ips.length) findings.ignore(`table[${JSON.stringify(host)}].ips`, 'What is no IP address is left out.');
    if (host !== '' && addresses.length > 0) hosts[host] = { addresses, shortName: shortname, namespace };
  }
  return findings.result({ hosts, digest: digestOf(hosts) }, warnings);
}
