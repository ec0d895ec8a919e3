// Reads the alternative names of a TLS peer from the text form that Node gives (`subjectaltname`), in which names holding commas or
// quotes are JSON strings. Used where a whole X.509 parse per connection would cost too much.

/** Alternative names by kind. */
export interface PeerNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

/** The kinds of name that we read from a certificate. */
export interface AlternativeNames extends PeerNames {
  readonly ipAddresses: readonly string[];
}

const ENTRY = /(URI|DNS|IP Address|email|DirName|othername|Registered ID):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** The names of `subjectaltname`; none when any part of it is not understood, since half-read names are no basis for trust. */
export function parsePeerNames(subjectAlternativeNames: string | undefined): PeerNames {
  const { uris, dnsNames } = parseAlternativeNames(subjectAlternativeNames);
  return { uris, dnsNames };
}

/** As `parsePeerNames`, with addresses. */
export function parseAlternativeNames(subjectAlternativeNames: string | undefined): AlternativeNames {
  const uris: string[] = [];
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  if (!subjectAlternativeNames) return { uris, dnsNames, ipAddresses };
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < subjectAlternativeNames.length) {
    const match = ENTRY.exec(subjectAlternativeNames);
    if (!match) return { uris: [], dnsNames: [], ipAddresses: [] };
    const [, kind, raw = ''] = match;
    const value = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw;
    if (kind === 'URI') uris.push(value);
    else if (kind === 'DNS') dnsNames.push(value);
    else if (kind === 'IP Address') ipAddresses.push(value.toLowerCase());
  }
  return { uris, dnsNames, ipAddresses };
}
