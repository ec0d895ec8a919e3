// Our images under a container engine, as somebody with docker or podman runs them: they start, as the user that they name, and say what they are.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GenericContainer, Network, Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers';

const HTTPBIN = 'docker.io/mizzen/httpbin:v1';
const TOOLS = 'docker.io/mizzen/test-tools:v1';
const PROXY = 'docker.io/mizzen/mizzen-proxy:v3.1.0';
let network: StartedNetwork;
let httpbin: StartedTestContainer;
let tools: StartedTestContainer;

beforeAll(async () => {
  network = await new Network().start();
  httpbin = await new GenericContainer(HTTPBIN).withNetwork(network).withNetworkAliases('httpbin').withExposedPorts(8080).withWaitStrategy(Wait.forHttp('/get', 8080)).start();
  tools = await new GenericContainer(TOOLS).withNetwork(network).withCommand(['sleep', '600']).start();
});
afterAll(async () => {
  await Promise.all([httpbin?.stop(), tools?.stop()]);
  await network?.stop();
});

describe('our images under a container engine', () => {
  it('httpbin answers at its mapped port', async () => {
    const answer = await fetch(`http://${httpbin.getHost()}:${httpbin.getMappedPort(8080)}/anything?a=b`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ args: { a: 'b' } });
  });

  it('the test tools reach it by its name on a network of their own', async () => {
    const { output, exitCode } = await tools.exec(['curl', '--silent', '--fail', 'http://httpbin:8080/status/200', '--output', '/dev/null', '--write-out', '%{http_code}']);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: '200' });
  });

  it('the proxy starts as the mesh\'s user, tells its version, and ends', async () => {
    const container = await new GenericContainer(PROXY).withCommand(['proxy', 'version']).withWaitStrategy(Wait.forOneShotStartup()).start();
    const lines: string[] = [];
    for await (const chunk of await container.logs()) lines.push(String(chunk));
    await container.stop();
    expect(lines.join('')).toMatch(/^mizzen-proxy \d+\.\d+\.\d+/m);
  });

  it('the applications run as nobody special', async () => {
    const { output } = await httpbin.exec(['node', '-p', 'process.getuid()']);
    expect(output.trim()).toBe('1000');
  });
});
