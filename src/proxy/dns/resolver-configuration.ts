// The name servers and search domains of the machine, from resolv.conf(5).
import { isIP } from 'node:net';

/** What queries that are not the mesh's are asked of. */
export interface ResolverConfiguration {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

/** As the C library: more are ignored. */
const MAXIMUM_SERVERS = 3;

/** Reads the text of a resolv.conf. */
export function parseResolverConfiguration(text: string): ResolverConfiguration {
  const servers: string[] = [];
  let search: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword = '', ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1).filter((value) => isIP(value) !== 0));
    else if (keyword === 'search' || keyword === 'domain') search = values.map((value) => value.replace(/\.$/, '').toLowerCase()).filter((value) => value !== '');
  }
  return { servers: servers.slice(0, MAXIMUM_SERVERS), search };
}
