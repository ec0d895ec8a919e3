// Options: what Istio's arguments and environment become.
import { describe, expect, test } from 'vitest';
import { parseArguments } from './options.ts';

describe('parseArguments', () => {
  test('takes the arguments and environment of the installed Deployment', () => {
    const parsed = parseArguments(
      ['discovery', '--monitoringAddr=:15014', '--log_output_level', 'default:warn,ads:debug,ca:none', '--log_as_json', '--domain', 'my.cluster', '--keepaliveMaxServerConnectionAge', '1h30m'],
      { REVISION: 'basic', POD_NAMESPACE: 'mesh', DEFAULT_WORKLOAD_CERT_TTL: '12h', TOKEN_AUDIENCES: 'a,b', PILOT_DEBOUNCE_AFTER: '' },
    );
    expect(parsed).toMatchObject({
      kind: 'run',
      options: {
        revision: 'basic', namespace: 'mesh', domain: 'my.cluster', memberRollName: 'default', monitoring: { port: 15014 }, maximumConnectionAgeMilliseconds: 5_400_000, workloadCertificateMilliseconds: 43_200_000,
        tokenAudiences: ['a', 'b'], debounceAfterMilliseconds: 100, logLevels: [{ level: 'warn' }, { logger: 'ads', level: 'debug' }, { logger: 'ca', level: 'silent' }],
      },
    });
  });

  test('addresses may name a host', () => {
    const parsed = parseArguments(['--secureGRPCAddr', '127.0.0.1:1', '--httpsAddr=[::1]:2'], {});
    expect(parsed).toMatchObject({ options: { secureGrpc: { host: '127.0.0.1', port: 1 }, https: { host: '::1', port: 2 } } });
  });

  test.each([
    [['--nope', '1'], {}, 'unknown flag --nope'],
    [['serve'], {}, 'unknown argument serve'],
    [['--httpAddr', '8080'], {}, '8080 is not an address'],
    [['--httpAddr', ':99999'], {}, ':99999 is not an address'],
    [[], { PILOT_DEBOUNCE_AFTER: 'soon' }, "PILOT_DEBOUNCE_AFTER: 'soon' is not a duration"],
    [[], { PILOT_PUSH_THROTTLE: '0' }, 'PILOT_PUSH_THROTTLE must be a positive whole number'],
    [['--log_output_level', 'ads:loud'], {}, "'ads:loud' is not of the form"],
  ])('refuses %j %j', (argv, environment, message) => {
    const parsed = parseArguments(argv, environment);
    expect(parsed.kind === 'invalid' ? parsed.message : parsed.kind).toContain(message);
  });

  test('help lists every option', () => {
    const parsed = parseArguments(['--help'], {});
    expect(parsed.kind === 'help' ? parsed.text : '').toMatch(/--secure-grpc-addr[\s\S]*MEMBER_ROLL_NAME[\s\S]*TOKEN_AUDIENCES/);
  });
});
