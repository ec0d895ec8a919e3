// Under which names a pod finds the mesh's hosts.
import { describe, expect, it } from 'vitest';
import { NameLookup } from './name-lookup.ts';

const table = {
  digest: '', hosts: {
    'reviews.bookinfo.svc.cluster.local': { addresses: ['10.96.0.1', 'fd00::1'], shortName: 'reviews', namespace: 'bookinfo' },
    'ratings.other.svc.cluster.local': { addresses: ['10.96.0.2'], shortName: 'ratings', namespace: 'other' },
    'web-0.web.bookinfo.svc.cluster.local': { addresses: ['10.1.0.5', '10.1.0.6'], shortName: 'web-0.web', namespace: 'bookinfo' },
    'api.example.com': { addresses: ['240.240.0.9'], shortName: '', namespace: '' },
    '*.example.org': { addresses: ['240.240.0.10'], shortName: '', namespace: '' },
    '*.deep.example.org': { addresses: ['240.240.0.11'], shortName: '', namespace: '' },
  },
};
const asker = { domain: 'bookinfo.svc.cluster.local', namespace: 'bookinfo', search: ['bookinfo.svc.cluster.local', 'svc.cluster.local', 'cluster.local'] };
const lookup = new NameLookup(table, asker);
const find = (name: string): string => {
  const known = lookup.find(name);
  return known ? `${known.alias ?? '-'} ${known.ipv4.map((bytes) => bytes.join('.')).join()} ${known.ipv6.map((bytes) => bytes.toString('hex')).join()}`.trim() : 'unknown';
};

describe('NameLookup', () => {
  it.each([
    ['reviews.bookinfo.svc.cluster.local.', '- 10.96.0.1 fd000000000000000000000000000001'], ['reviews.bookinfo.svc.', '- 10.96.0.1 fd000000000000000000000000000001'], ['reviews.bookinfo.', '- 10.96.0.1 fd000000000000000000000000000001'],
    ['reviews.', '- 10.96.0.1 fd000000000000000000000000000001'], ['ratings.other.', '- 10.96.0.2'], ['ratings.', 'unknown'], ['ratings.bookinfo.', 'unknown'],
    ['web-0.web.', '- 10.1.0.5,10.1.0.6'], ['web-0.web.bookinfo.svc.cluster.local.', '- 10.1.0.5,10.1.0.6'],
    ['api.example.com.', '- 240.240.0.9'], ['example.com.', 'unknown'], ['www.api.example.com.', 'unknown'],
  ])('knows %s as %s', (name, expected) => expect(find(name)).toBe(expected));

  it('answers names that a resolver tries with the first search domain, as aliases', () => {
    expect(find('api.example.com.bookinfo.svc.cluster.local.')).toBe('api.example.com. 240.240.0.9');
    expect(find('reviews.bookinfo.svc.cluster.local.bookinfo.svc.cluster.local.')).toBe('reviews.bookinfo.svc.cluster.local. 10.96.0.1 fd000000000000000000000000000001');
    expect(find('ratings.other.bookinfo.svc.cluster.local.')).toBe('ratings.other. 10.96.0.2');
    expect(find('api.example.com.svc.cluster.local.')).toBe('unknown');
    expect(find('bookinfo.svc.cluster.local.')).toBe('unknown');
  });

  it('takes the longest wildcard, and none for the name behind its asterisk', () => {
    expect([find('a.example.org.'), find('b.a.example.org.'), find('a.deep.example.org.'), find('example.org.'), find('x.y.example.org.bookinfo.svc.cluster.local.')]).toEqual(['- 240.240.0.10', '- 240.240.0.10', '- 240.240.0.11', 'unknown', 'x.y.example.org. 240.240.0.10']);
  });

  it.each(['first', 'last'])('gives the names of a Kubernetes service to no ServiceEntry that names them too and comes %s', (place) => {
    const entries = Object.fromEntries(['reviews', 'reviews.bookinfo', 'reviews.bookinfo.svc', 'Reviews.Bookinfo.svc.cluster.local', 'reviews.bookinfo.bookinfo.svc.cluster.local', 'ratings.other', 'ratings', '*.bookinfo'].map((host) => [host, { addresses: ['6.6.6.6'], shortName: '', namespace: '' }]));
    const hosts = place === 'first' ? { ...entries, ...table.hosts } : { ...table.hosts, ...entries };
    const contested = new NameLookup({ digest: '', hosts }, asker);
    const first = (name: string): string | undefined => contested.find(name)?.ipv4[0]?.join('.');
    for (const name of ['reviews.', 'reviews.bookinfo.', 'reviews.bookinfo.svc.', 'reviews.bookinfo.svc.cluster.local.', 'reviews.bookinfo.bookinfo.svc.cluster.local.']) expect(first(name), name).toBe('10.96.0.1');
    expect([first('ratings.other.'), first('web-0.web.bookinfo.')]).toEqual(['10.96.0.2', '10.1.0.5']);
    // A name that is no service's from here stays the entry's.
    expect([first('ratings.'), first('x.bookinfo.')]).toEqual(['6.6.6.6', '6.6.6.6']);
  });
});
