// Filter chain choice: Envoy's order, most specific first, no way back.
import { describe, expect, it } from 'vitest';
import { filterChain, listener } from './testdata/config-builder.ts';
import { compileFilterChainMatch, type ConnectionFacts } from './filter-chain-match.ts';

const FACTS: ConnectionFacts = { destinationAddress: '10.1.2.3', destinationPort: 80, serverName: '', transportProtocol: 'raw_buffer', applicationProtocols: [], sourceAddress: '10.9.9.9', sourcePort: 5 };

describe('compileFilterChainMatch', () => {
  it('prefers port, then address, then server name, and never goes back', () => {
    const chains = [
      filterChain([], { name: 'port', when: { destinationPort: 80, transportProtocol: 'tls' } }),
      filterChain([], { name: 'wide', when: { destinationRanges: ['10.0.0.0/8'] } }),
      filterChain([], { name: 'narrow', when: { destinationRanges: ['10.1.0.0/16'], serverNames: ['*.x.com'] } }),
      filterChain([], { name: 'exact', when: { destinationRanges: ['10.1.0.0/16'], serverNames: ['a.x.com'] } }),
      filterChain([], { name: 'rest' }),
    ];
    const choose = compileFilterChainMatch(listener('l', '127.0.0.1', chains));
    expect(choose({ ...FACTS, transportProtocol: 'tls' })?.name).toBe('port');
    expect(choose(FACTS)).toBeNull();
    expect(choose({ ...FACTS, destinationPort: 81, serverName: 'a.x.com' })?.name).toBe('exact');
    expect(choose({ ...FACTS, destinationPort: 81, serverName: 'b.x.com' })?.name).toBe('narrow');
    expect(choose({ ...FACTS, destinationPort: 81, serverName: 'other' })).toBeNull();
    expect(choose({ ...FACTS, destinationPort: 81, destinationAddress: '10.2.0.1' })?.name).toBe('wide');
    expect(choose({ ...FACTS, destinationPort: 81, destinationAddress: '9.9.9.9' })?.name).toBe('rest');
  });
});
