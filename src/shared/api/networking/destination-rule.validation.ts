// The webhook's semantic checks of DestinationRule: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { ClientTlsSettings, ConnectionPoolSettings, DestinationRule, LoadBalancerSettings, OutlierDetection, TrafficPolicy } from './destination-rule.ts';
import { checkDuration, checkExportTo, checkHost, checkLabels, checkNotNegative, checkPercent, checkPort, Findings } from './validation-rules.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateDestinationRule(object: DestinationRule): Issue[] {
  const findings = new Findings();
  const { spec } = object;
  checkHost(spec.host, 'spec.host', findings);
  checkPolicy(spec.trafficPolicy, 'spec.trafficPolicy', findings);
  const names = new Set<string>();
  spec.subsets?.forEach((subset, index) => {
    const path = `spec.subsets[${index}]`;
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(subset.name)) findings.error(`${path}.name`, `${JSON.stringify(subset.name)} is not a subset name. Use letters, digits and dashes.`);
    if (names.has(subset.name)) findings.error(`${path}.name`, `The subset ${subset.name} is given twice. Rename one.`);
    names.add(subset.name);
    checkLabels(subset.labels, `${path}.labels`, findings);
    checkPolicy(subset.trafficPolicy, `${path}.trafficPolicy`, findings);
  });
  checkLabels(spec.workloadSelector?.matchLabels, 'spec.workloadSelector.matchLabels', findings);
  checkExportTo(spec.exportTo, object.metadata.namespace, findings);
  return findings.issues;
}

type PolicyBlocks = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>;

function checkPolicy(policy: TrafficPolicy | undefined, path: string, findings: Findings): void {
  if (!policy) return;
  checkBlocks(policy, path, findings);
  policy.portLevelSettings?.forEach((entry, index) => {
    checkPort(entry.port?.number, `${path}.portLevelSettings[${index}].port.number`, findings);
    checkBlocks(entry, `${path}.portLevelSettings[${index}]`, findings);
  });
  if (policy.tunnel) {
    if (!['CONNECT', 'POST', ''].includes((policy.tunnel.protocol ?? '').toUpperCase())) findings.error(`${path}.tunnel.protocol`, 'A tunnel uses CONNECT or POST.');
    checkHost(policy.tunnel.targetHost, `${path}.tunnel.targetHost`, findings, { wildcard: false, address: true });
    checkPort(policy.tunnel.targetPort, `${path}.tunnel.targetPort`, findings);
  }
  checkPercent(policy.retryBudget?.percent, `${path}.retryBudget.percent`, findings);
  findings.withoutEffect(policy, ['tunnel', 'proxyProtocol'], path);
}

function checkBlocks(policy: PolicyBlocks, path: string, findings: Findings): void {
  checkLoadBalancer(policy.loadBalancer, `${path}.loadBalancer`, findings);
  checkPool(policy.connectionPool, `${path}.connectionPool`, findings);
  checkOutlier(policy.outlierDetection, `${path}.outlierDetection`, findings);
  checkTls(policy.tls, `${path}.tls`, findings);
  if ((policy.loadBalancer?.localityLbSetting?.failover?.length || policy.loadBalancer?.localityLbSetting?.failoverPriority?.length) && !policy.outlierDetection) {
    findings.warning(`${path}.outlierDetection`, 'Failover between localities has no effect without outlierDetection. Add it.');
  }
}

function checkLoadBalancer(settings: LoadBalancerSettings | undefined, path: string, findings: Findings): void {
  if (!settings) return;
  if (settings.simple && settings.consistentHash) findings.error(path, 'Only one of simple and consistentHash can be given.');
  const hash = settings.consistentHash;
  if (hash) {
    const keys = [hash.httpHeaderName, hash.httpCookie, hash.useSourceIp, hash.httpQueryParameterName].filter(Boolean).length;
    if (keys !== 1) findings.error(`${path}.consistentHash`, 'Give exactly one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName.');
    if (hash.httpCookie?.name === '') findings.error(`${path}.consistentHash.httpCookie.name`, 'The cookie has no name.');
    checkDuration(hash.httpCookie?.ttl, `${path}.consistentHash.httpCookie.ttl`, findings, true);
    const size = hash.maglev?.tableSize;
    if (size && (size > 5_000_011 || !isPrime(size))) findings.error(`${path}.consistentHash.maglev.tableSize`, `${size} is not a prime below 5000012. Use for example 65537.`);
    checkNotNegative(hash.ringHash?.minimumRingSize, `${path}.consistentHash.ringHash.minimumRingSize`, findings);
  }
  checkLocality(settings.localityLbSetting, `${path}.localityLbSetting`, findings);
  checkDuration(settings.warmup?.duration ?? settings.warmupDurationSecs, `${path}.warmup.duration`, findings);
  checkPercent(settings.warmup?.minimumPercent, `${path}.warmup.minimumPercent`, findings);
  if (settings.warmup?.aggression !== undefined && settings.warmup.aggression < 1) findings.error(`${path}.warmup.aggression`, 'The aggression must be 1 or more.');
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor += 1) if (value % divisor === 0) return false;
  return true;
}

function checkLocality(setting: LoadBalancerSettings['localityLbSetting'], path: string, findings: Findings): void {
  if (!setting) return;
  if ([setting.distribute?.length, setting.failover?.length, setting.failoverPriority?.length].filter(Boolean).length > 1 && setting.distribute?.length) {
    findings.error(path, 'distribute can not be given together with failover or failoverPriority.');
  }
  const from = new Set<string>();
  setting.distribute?.forEach((entry, index) => {
    const sum = Object.values(entry.to ?? {}).reduce((total, share) => total + share, 0);
    if (sum !== 100) findings.error(`${path}.distribute[${index}].to`, `The shares add up to ${sum}. They must add up to 100.`);
    if (from.has(entry.from ?? '')) findings.error(`${path}.distribute[${index}].from`, `The locality ${entry.from ?? ''} is given twice.`);
    from.add(entry.from ?? '');
  });
  setting.failover?.forEach((entry, index) => {
    if (entry.from === entry.to) findings.error(`${path}.failover[${index}]`, 'A region can not fail over to itself.');
  });
}

function checkPool(pool: ConnectionPoolSettings | undefined, path: string, findings: Findings): void {
  if (!pool) return;
  if (!pool.tcp && !pool.http) findings.error(path, 'The connection pool is empty. Give tcp or http.');
  findings.withoutEffect(pool.tcp, ['maxConnectionDuration'], `${path}.tcp`);
  findings.withoutEffect(pool.http, ['http2KeepAlive'], `${path}.http`);
  checkNotNegative(pool.tcp?.maxConnections, `${path}.tcp.maxConnections`, findings);
  checkDuration(pool.tcp?.connectTimeout, `${path}.tcp.connectTimeout`, findings);
  checkDuration(pool.tcp?.idleTimeout, `${path}.tcp.idleTimeout`, findings, true);
  checkDuration(pool.tcp?.maxConnectionDuration, `${path}.tcp.maxConnectionDuration`, findings);
  checkDuration(pool.tcp?.tcpKeepalive?.time, `${path}.tcp.tcpKeepalive.time`, findings);
  checkDuration(pool.tcp?.tcpKeepalive?.interval, `${path}.tcp.tcpKeepalive.interval`, findings);
  for (const field of ['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection', 'maxRetries', 'maxConcurrentStreams'] as const) checkNotNegative(pool.http?.[field], `${path}.http.${field}`, findings);
  checkDuration(pool.http?.idleTimeout, `${path}.http.idleTimeout`, findings, true);
  if (pool.http?.useClientProtocol && pool.http.h2UpgradePolicy === 'UPGRADE') findings.error(`${path}.http`, 'useClientProtocol can not be given together with h2UpgradePolicy: UPGRADE.');
}

function checkOutlier(outlier: OutlierDetection | undefined, path: string, findings: Findings): void {
  if (!outlier) return;
  for (const field of ['consecutiveErrors', 'consecutive5xxErrors', 'consecutiveGatewayErrors', 'consecutiveLocalOriginFailures'] as const) checkNotNegative(outlier[field], `${path}.${field}`, findings);
  checkDuration(outlier.interval, `${path}.interval`, findings);
  checkDuration(outlier.baseEjectionTime, `${path}.baseEjectionTime`, findings);
  checkPercent(outlier.maxEjectionPercent, `${path}.maxEjectionPercent`, findings);
  checkPercent(outlier.minHealthPercent, `${path}.minHealthPercent`, findings);
}

function checkTls(tls: ClientTlsSettings | undefined, path: string, findings: Findings): void {
  if (!tls) return;
  if (tls.caCrl) findings.notEnforced(`${path}.caCrl`, 'Revocation lists are not checked by this version: a server with a revoked certificate would be trusted. Remove the field, and do not rely on it.');
  if (tls.mode === 'MUTUAL' && !tls.credentialName && (!tls.clientCertificate || !tls.privateKey)) findings.error(path, 'MUTUAL needs clientCertificate and privateKey, or credentialName.');
  if (tls.mode === 'ISTIO_MUTUAL' && (tls.clientCertificate || tls.privateKey || tls.caCertificates || tls.credentialName)) findings.error(path, 'ISTIO_MUTUAL brings its own certificates. Remove clientCertificate, privateKey, caCertificates and credentialName.');
  if (tls.credentialName && (tls.clientCertificate || tls.privateKey || tls.caCertificates)) findings.error(path, 'credentialName can not be given together with certificate files.');
  if (tls.insecureSkipVerify && (tls.subjectAltNames?.length || tls.caCertificates)) findings.warning(path, 'With insecureSkipVerify the server is not checked, so subjectAltNames and caCertificates have no effect.');
}
