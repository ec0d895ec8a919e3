// The webhook's semantic checks of Gateway: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Gateway, Server, ServerTlsSettings } from './gateway.ts';
import { ownUseOfPort } from './proxy-ports.ts';
import { checkHost, checkLabels, checkPort, Findings } from './validation-rules.ts';

const PROTOCOLS = new Set(['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'MONGO', 'TCP', 'TLS', 'HTTP_PROXY', 'MYSQL', 'REDIS']);
const TLS_PROTOCOLS = new Set(['HTTPS', 'TLS']);
const VERSIONS = ['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'];

/** What is wrong with `object`; an error keeps it out. */
export function validateGateway(object: Gateway): Issue[] {
  const findings = new Findings();
  const { servers = [], selector } = object.spec;
  if (servers.length === 0) findings.error('spec.servers', 'A gateway needs at least one server.');
  if (Object.keys(selector ?? {}).length === 0) findings.warning('spec.selector', 'Without a selector the servers are opened on every gateway. Select one by its labels.');
  checkLabels(selector, 'spec.selector', findings);
  const names = new Set<string>();
  servers.forEach((server, index) => {
    const path = `spec.servers[${index}]`;
    checkServer(server, path, findings);
    for (const name of [server.name && `server ${server.name}`, `port ${server.port.name}/${server.port.number}/${server.hosts.join()}`]) {
      if (name && names.has(name)) findings.error(path, `The ${name.split('/')[0] ?? ''} is given twice. Rename or remove one.`);
      if (name) names.add(name);
    }
  });
  return findings.issues;
}

function checkServer(server: Server, path: string, findings: Findings): void {
  const protocol = server.port.protocol.toUpperCase();
  checkPort(server.port.number, `${path}.port.number`, findings);
  const own = ownUseOfPort(server.port.number);
  if (own !== undefined) findings.error(`${path}.port.number`, `The proxy uses port ${server.port.number} for ${own}. Use another one.`);
  if (!PROTOCOLS.has(protocol)) findings.error(`${path}.port.protocol`, `${JSON.stringify(server.port.protocol)} is not a protocol of gateways. Use HTTP, HTTPS, GRPC, HTTP2, TLS or TCP.`);
  if (server.port.name === '') findings.error(`${path}.port.name`, 'The port needs a name.');
  if (server.port.targetPort !== undefined) findings.warning(`${path}.port.targetPort`, 'targetPort is deprecated and has no effect; the gateway\'s Service decides. Remove it.');
  findings.withoutEffect(server, ['defaultEndpoint'], path);
  if (server.hosts.length === 0) findings.error(`${path}.hosts`, 'The server has no hosts. Give at least one; * stands for all.');
  server.hosts.forEach((entry, index) => {
    const slash = entry.indexOf('/');
    if (slash === 0 || entry.indexOf('/', slash + 1) > 0) findings.error(`${path}.hosts[${index}]`, `${JSON.stringify(entry)} is not of the form namespace/host.`);
    else checkHost(entry.slice(slash + 1), `${path}.hosts[${index}]`, findings, { wildcard: true, address: true });
  });
  const needsTls = TLS_PROTOCOLS.has(protocol);
  if (needsTls && !server.tls) findings.error(`${path}.tls`, `A server with protocol ${protocol} needs tls. Give a mode and a certificate.`);
  if (!needsTls && server.tls && !onlyRedirect(server.tls)) findings.error(`${path}.tls`, `A server with protocol ${protocol} takes no tls except httpsRedirect. Use HTTPS or TLS.`);
  if (needsTls && server.tls) checkTls(server.tls, `${path}.tls`, findings);
}

function onlyRedirect(tls: ServerTlsSettings): boolean {
  return tls.httpsRedirect === true && !tls.mode && !tls.credentialName && !tls.serverCertificate;
}

function checkTls(tls: ServerTlsSettings, path: string, findings: Findings): void {
  const { mode = 'SIMPLE' } = tls;
  checkCertificateSource(tls, mode, path, findings);
  if (tls.caCrl) findings.notEnforced(`${path}.caCrl`, 'Revocation lists are not checked by this version: revoked certificates would be let in. Issue short-lived certificates instead, and remove the field.');
  checkCertificateFiles(tls, mode, path, findings);
  checkVersions(tls, path, findings);
  if ((tls.credentialNames?.length ?? 0) > 2 || (tls.tlsCertificates?.length ?? 0) > 2) findings.error(path, 'At most two certificates can be given, one RSA and one ECDSA.');
}

/** Certificates that are given as files of the gateway's pod. */
function checkCertificateFiles(tls: ServerTlsSettings, mode: string, path: string, findings: Findings): void {
  if (tls.serverCertificate && !tls.privateKey) findings.error(`${path}.privateKey`, 'A server certificate needs its private key.');
  const roots = new Set(tls.tlsCertificates?.map(({ caCertificates }) => caCertificates).filter((file) => file !== undefined));
  if (roots.size > 1 || (roots.size === 1 && tls.caCertificates && !roots.has(tls.caCertificates))) findings.notEnforced(`${path}.tlsCertificates`, 'All certificates of a server check clients against one file. Give the same caCertificates everywhere.');
  tls.tlsCertificates?.forEach(({ serverCertificate, privateKey }, index) => {
    if (!serverCertificate || !privateKey) findings.error(`${path}.tlsCertificates[${index}]`, 'Each certificate needs serverCertificate and privateKey.');
  });
  if (mode === 'MUTUAL' && (tls.serverCertificate ?? tls.tlsCertificates?.length) && !tls.caCertificates && roots.size === 0) findings.error(`${path}.caCertificates`, 'MUTUAL needs the certificates that clients are checked against.');
}

/** One source of certificates where the gateway ends TLS, none where it does not. */
function checkCertificateSource(tls: ServerTlsSettings, mode: string, path: string, findings: Findings): void {
  const sources = [tls.credentialName, tls.credentialNames?.length, tls.tlsCertificates?.length, tls.serverCertificate ?? tls.privateKey].filter(Boolean).length;
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH' || mode === 'ISTIO_MUTUAL') {
    if (sources > 0 || tls.caCertificates) findings.error(path, `With ${mode} the gateway uses no certificate of its own. Remove the certificate fields.`);
  } else if (sources !== 1) {
    findings.error(path, 'Give exactly one of credentialName, credentialNames, tlsCertificates, and serverCertificate with privateKey.');
  }
}

function checkVersions(tls: ServerTlsSettings, path: string, findings: Findings): void {
  const minimum = VERSIONS.indexOf(tls.minProtocolVersion ?? 'TLS_AUTO');
  const maximum = VERSIONS.indexOf(tls.maxProtocolVersion ?? 'TLS_AUTO');
  if (maximum > 0 && minimum > maximum) findings.error(`${path}.minProtocolVersion`, 'The lowest TLS version is above the highest. Swap them.');
  if (tls.minProtocolVersion === 'TLSV1_0' || tls.minProtocolVersion === 'TLSV1_1') findings.warning(`${path}.minProtocolVersion`, 'TLS below 1.2 is not safe. Use TLSV1_2 or later.');
}
