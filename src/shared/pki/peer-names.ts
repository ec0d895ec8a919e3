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
  readonly emails: readonly string[];
}

const ENTRY = /(URI|DNS|IP Address|email|DirName|othername|Registered ID):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** The names of `subjectaltname`; none when any part of it is not understood, since half-read names are no basis for trust. */
export function parsePeerNames(subjectAlternativeNames: string | undefined): PeerNames {
  const { uris, dnsNames } = parseAlternativeNames(subjectAlternativeNames);
  return { uris, dnsNames };
}

/** Whether names can be a peer's in the mesh: an X.509 SVID has exactly one URI (SPIFFE X509-SVID section 2), and with more the holder would choose who it is. */
export function hasOneIdentity({ uris }: PeerNames): boolean {
  return uris.length <= 1;
}

/** As `parsePeerNames`, with addresses. */
export function parseAlternativeNames(subjectAlternativeNames: string | undefined): AlternativeNames {
  const uris: string[] = [];
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  const emails: string[] = [];
  if (!subjectAlternativeNames) return { uris, dnsNames, ipAddresses, emails };
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < subjectAlternativeNames.length) {
    const match = ENTRY.exec(subjectAlternativeNames);
    if (!match) return { uris: [], dnsNames: [], ipAddresses: [], emails: [] };
    const [, kind, raw = ''] = match;
    const value = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw;
    if (kind === 'URI') uris.push(value);
    else if (kind === 'DNS') dnsNames.push(value);
    else if (kind === 'IP Address') ipAddresses.push(value.toLowerCase());
    else if (kind === 'email') emails.push(value);
  }
  return { uris, dnsNames, ipAddresses, emails };
}
