// The DNS server of a captured pod, with the names that mizzend would send it: started by dns.test.ts inside the pod's network namespace. Standard input holds the name server's address and
// the table as JSON; prints a line when it listens.
import { readFileSync } from 'node:fs';
import { DnsServer } from '../../../src/proxy/dns/index.ts';
import { compileNameTable } from '../../../src/proxy/config/index.ts';
import { StatsStore } from '../../../src/proxy/stream/stats-store.ts';

const { resolvers, table } = JSON.parse(readFileSync(0, 'utf8')) as { resolvers: string[]; table: Parameters<typeof compileNameTable>[0]['table'] };
const compiled = compileNameTable({ table });
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
const server = new DnsServer({
  addresses: ['127.0.0.1', '::1'], port: 15053, resolvers: resolvers.map((address) => ({ address, port: 53 })), stats: new StatsStore(),
  asker: { domain: 'test.svc.cluster.local', namespace: 'test', search: ['test.svc.cluster.local'] },
});
await server.start();
server.useTable(compiled.value);
process.stdout.write('listening\n');
