// TLS of both directions: secure contexts made from named secrets, remade when a secret changes (live connections keep theirs), handshakes and the check
// of the peer's certificate and names.
import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { DownstreamTlsConfig, UpstreamTlsConfig, ValidationConfig } from '../config/runtime-config.ts';
import type { TlsInfo } from '../stream/stream-info.ts';
import { parseAlternativeNames } from '../../shared/pki/index.ts';
import { compileNameCheck, describeTls, peerCertificateOf, type NameCheck } from './peer-certificate.ts';
import type { SecretProvider } from './secret-provider.ts';

/** A handshake's outcome: the socket to go on with, or why there is none. */
export type HandshakeDone = (socket: TLSSocket | null, info: TlsInfo | null, error: string) => void;

interface KeyPair { readonly certificateChainPem: string; readonly privateKeyPem: string }

interface ServerIdentity { readonly context: SecureContext; readonly names: readonly string[]; readonly localUri: string }

function rootsOf(validation: ValidationConfig | null, secrets: SecretProvider): string | null | undefined {
  if (validation === null) return null;
  if (validation.trustedCaPem !== null) return validation.trustedCaPem;
  if (validation.secretName === null) return null;
  const secret = secrets.get(validation.secretName);
  return secret?.kind === 'roots' ? secret.trustedCaPem : undefined;
}

function secretNames(certificates: readonly string[], validation: ValidationConfig | null): string[] {
  return validation?.secretName ? [...certificates, validation.secretName] : [...certificates];
}

function namesOf(pem: string): { readonly names: readonly string[]; readonly localUri: string } {
  const certificate = new X509Certificate(pem);
  const names = parseAlternativeNames(certificate.subjectAltName);
  return { names: names.dnsNames, localUri: names.uris[0] ?? '' };
}

function pairsOf(names: readonly string[], inline: readonly KeyPair[], secrets: SecretProvider): KeyPair[] | undefined {
  const pairs: KeyPair[] = [...inline];
  for (const name of names) {
    const secret = secrets.get(name);
    if (secret?.kind !== 'certificate') return undefined;
    pairs.push(secret);
  }
  return pairs;
}

// OpenSSL says in a few ways that a certificate is not vouched for; Node gives the code here whether or not it rejects by itself.
function verifyCode(socket: TLSSocket): string {
  const handle = (socket as unknown as { _handle?: { verifyError?: () => (Error & { code?: string }) | null } | null })._handle;
  if (typeof handle?.verifyError !== 'function') return 'VERIFY_UNAVAILABLE';
  const error = handle.verifyError();
  return error ? (error.code ?? error.message) : '';
}

/** TLS of accepted connections of one filter chain. */
export class DownstreamTls {
  readonly #config: DownstreamTlsConfig;
  readonly #secrets: SecretProvider;
  readonly #nameCheck: NameCheck;
  readonly #stop: () => void;
  #identities: readonly ServerIdentity[] | null = null;

  constructor(config: DownstreamTlsConfig, secrets: SecretProvider) {
    this.#config = config;
    this.#secrets = secrets;
    this.#nameCheck = compileNameCheck(config.validation);
    const used = new Set(secretNames(config.certificateSecretNames, config.validation));
    this.#stop = secrets.onChange((name) => {
      if (used.has(name)) this.#identities = null;
    });
  }

  /** Whether every secret is there. */
  get ready(): boolean {
    return this.#current() !== null;
  }

  close(): void {
    this.#stop();
  }

  /** Answers the handshake on `raw`, whose first bytes may have been unshifted. */
  accept(raw: Duplex, sni: string, offered: readonly string[] | null, done: HandshakeDone): void {
    const identities = this.#current();
    const identity = identities ? chooseIdentity(identities, sni) : undefined;
    if (!identity) {
      raw.destroy();
      done(null, null, 'certificate_not_available');
      return;
    }
    const asksClient = this.#config.validation !== null;
    // A client whose protocols we do not know goes on without ALPN, as with Envoy, instead of being refused.
    const protocols = this.#config.alpnProtocols.filter((protocol) => offered === null || offered.includes(protocol));
    const socket = new TLSSocket(raw as never, {
      isServer: true, secureContext: identity.context, requestCert: asksClient, rejectUnauthorized: false,
      ...(protocols.length > 0 ? { ALPNProtocols: protocols } : {}),
    });
    let finished = false;
    const fail = (error: string): void => {
      if (finished) return;
      finished = true;
      socket.destroy();
      raw.destroy();
      done(null, null, error);
    };
    socket.on('error', (error: Error) => fail(error.message));
    socket.on('close', () => fail('connection_closed'));
    socket.on('secure', () => {
      if (finished) return;
      const error = this.#checkPeer(socket);
      if (error !== '') fail(error);
      else {
        finished = true;
        // Only Node's own TLS server says so by itself; an HTTP/2 session waits for it, for ever.
        (socket as unknown as { secureConnecting: boolean }).secureConnecting = false;
        done(socket, describeTls(socket, sni, asksClient && this.#vouchedFor(socket), identity.localUri), '');
      }
    });
  }

  #checkPeer(socket: TLSSocket): string {
    if (this.#config.validation === null) return '';
    const certificate = peerCertificateOf(socket);
    if (!certificate) return this.#config.requireClientCertificate ? 'client_certificate_required' : '';
    const code = this.#config.validation.acceptUntrusted ? '' : verifyCode(socket);
    return code !== '' ? code : this.#nameCheck(parseAlternativeNames(certificate.subjectAltName));
  }

  /** Whether the roots vouch for a certificate that was let in. */
  #vouchedFor(socket: TLSSocket): boolean {
    return !this.#config.validation?.acceptUntrusted || verifyCode(socket) === '';
  }

  #current(): readonly ServerIdentity[] | null {
    if (this.#identities) return this.#identities;
    const { certificateSecretNames, inlineCertificates, validation, minimumVersion, maximumVersion, cipherSuites } = this.#config;
    const pairs = pairsOf(certificateSecretNames, inlineCertificates, this.#secrets);
    const roots = rootsOf(validation, this.#secrets);
    if (!pairs || roots === undefined || pairs.length === 0) return null;
    this.#identities = pairs.map(({ certificateChainPem, privateKeyPem }) => ({
      context: createSecureContext({
        cert: certificateChainPem, key: privateKeyPem, minVersion: minimumVersion, maxVersion: maximumVersion,
        ...(roots === null ? {} : { ca: roots }), ...(cipherSuites.length > 0 ? { ciphers: cipherSuites.join(':') } : {}),
      }),
      ...namesOf(certificateChainPem),
    }));
    return this.#identities;
  }
}

function chooseIdentity(identities: readonly ServerIdentity[], sni: string): ServerIdentity | undefined {
  if (sni === '' || identities.length === 1) return identities[0];
  const wildcard = `*${sni.slice(sni.indexOf('.'))}`;
  return identities.find(({ names }) => names.includes(sni)) ?? identities.find(({ names }) => names.includes(wildcard)) ?? identities[0];
}

/** TLS of the connections that a cluster opens. */
export class UpstreamTls {
  readonly config: UpstreamTlsConfig;
  readonly #secrets: SecretProvider;
  readonly #nameCheck: NameCheck;
  readonly #stop: () => void;
  #context: SecureContext | null = null;
  #localUri = '';
  /** Grows when the identity changes: pools of an older generation take no new requests. */
  generation = 0;

  constructor(config: UpstreamTlsConfig, secrets: SecretProvider) {
    this.config = config;
    this.#secrets = secrets;
    this.#nameCheck = compileNameCheck(config.validation);
    const used = new Set(secretNames(config.certificateSecretName === null ? [] : [config.certificateSecretName], config.validation));
    this.#stop = secrets.onChange((name) => {
      if (!used.has(name)) return;
      this.#context = null;
      this.generation += 1;
    });
  }

  /** Whether every secret is there. */
  get ready(): boolean {
    return this.#current() !== null;
  }

  close(): void {
    this.#stop();
  }

  /** Starts TLS on the connected `raw`. */
  connect(raw: Duplex, sni: string, alpn: readonly string[], done: HandshakeDone): void {
    const context = this.#current();
    if (!context) {
      raw.destroy();
      done(null, null, 'TLS_error:|Secret_is_not_supplied_by_SDS');
      return;
    }
    const socket = connect({
      socket: raw, secureContext: context, rejectUnauthorized: false, ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      // Names are checked below by the configuration's own rules; an IP address is no server name.
      ...(/^[0-9.]+$|:/.test(sni) || sni === '' ? {} : { servername: sni }), checkServerIdentity: () => undefined,
    });
    let finished = false;
    const fail = (error: string): void => {
      if (finished) return;
      finished = true;
      socket.destroy();
      raw.destroy();
      done(null, null, error);
    };
    socket.on('error', (error: Error) => fail(`TLS_error:|${error.message}`));
    socket.on('close', () => fail('TLS_error:|connection_closed'));
    socket.on('secureConnect', () => {
      if (finished) return;
      const error = this.#checkPeer(socket);
      if (error !== '') fail(`TLS_error:|${error}`);
      else {
        finished = true;
        done(socket, describeTls(socket, sni, this.config.validation !== null && !this.config.validation.acceptUntrusted, this.#localUri), '');
      }
    });
  }

  #checkPeer(socket: TLSSocket): string {
    const { validation } = this.config;
    if (validation === null) return '';
    const certificate = peerCertificateOf(socket);
    if (!certificate) return 'peer_certificate_missing';
    if (!validation.acceptUntrusted && (validation.trustedCaPem !== null || validation.secretName !== null)) {
      const code = verifyCode(socket);
      if (code !== '') return code;
    }
    return this.#nameCheck(parseAlternativeNames(certificate.subjectAltName));
  }

  #current(): SecureContext | null {
    if (this.#context) return this.#context;
    const { certificateSecretName, inlineCertificate, validation, minimumVersion, maximumVersion } = this.config;
    const pairs = pairsOf(certificateSecretName === null ? [] : [certificateSecretName], inlineCertificate ? [inlineCertificate] : [], this.#secrets);
    const roots = rootsOf(validation, this.#secrets);
    if (!pairs || roots === undefined) return null;
    const pair = pairs[0];
    const options: SecureContextOptions = { minVersion: minimumVersion, maxVersion: maximumVersion, ...(roots === null ? {} : { ca: roots }) };
    this.#context = createSecureContext(pair ? { ...options, cert: pair.certificateChainPem, key: pair.privateKeyPem } : options);
    this.#localUri = pair ? namesOf(pair.certificateChainPem).localUri : '';
    return this.#context;
  }
}
