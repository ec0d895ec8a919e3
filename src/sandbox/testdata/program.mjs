// A container's program for the tests: serves questions about what it sees, or plays the part that its first argument names.
import dns from 'node:dns/promises';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';

const [part = 'serve', ...rest] = process.argv.slice(2);

function note(path, text) {
  fs.appendFileSync(path, `${text}\n`);
}

const answers = {
  '/': async () => `${process.env.VERSION ?? ''} ${os.hostname()}`,
  '/env': async (query) => process.env[query.get('name')] ?? '',
  '/file': async (query) => fs.promises.readFile(query.get('path'), 'utf8'),
  '/list': async (query) => fs.readdirSync(query.get('path')).filter((name) => !name.startsWith('..')).join(' '),
  '/realpath': async (query) => [fs.realpathSync(query.get('path')), await fs.promises.realpath(query.get('path')), await new Promise((resolve) => { fs.realpath(query.get('path'), (error, path) => resolve(path)); })].join(' '),
  '/stream': async (query) => fs.createReadStream(query.get('path'), 'utf8').toArray().then((chunks) => chunks.join('')),
  '/lookup': async (query) => JSON.stringify(await dns.lookup(query.get('name'), { all: true })),
  '/srv': async (query) => JSON.stringify(await dns.resolveSrv(query.get('name'))),
  '/fetch': async (query) => (await fetch(query.get('url'))).text(),
  '/kubernetes': askKubernetes,
  '/from': async (_query, request) => request.socket.remoteAddress,
  '/write': async (query) => { note(query.get('path'), query.get('text')); return 'written'; },
};

// Asks the API server who this is, as a program in a cluster does: by the service's name, with the mounted token and certificate.
function askKubernetes() {
  const mounted = (name) => fs.readFileSync(`/var/run/secrets/kubernetes.io/serviceaccount/${name}`, 'utf8');
  const headers = { authorization: `Bearer ${mounted('token')}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const request = https.request('https://kubernetes.default/apis/authentication.k8s.io/v1/selfsubjectreviews', { method: 'POST', headers, ca: mounted('ca.crt'), agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => { body += chunk; });
      response.on('end', () => resolve(JSON.stringify({ status: response.statusCode, subject: JSON.parse(body).status?.userInfo.username })));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));
  });
}

function serve() {
  let healthy = true;
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://pod');
    if (url.pathname === '/sick') healthy = false;
    if (url.pathname === '/health') { response.statusCode = healthy ? 200 : 500; response.end(); return; }
    const answer = answers[url.pathname];
    if (!answer) { response.statusCode = url.pathname === '/sick' ? 200 : 404; response.end(); return; }
    answer(url.searchParams, request).then((text) => response.end(text), (error) => { response.statusCode = 500; response.end(String(error.code ?? error)); });
  });
  const listening = () => {
    const { address, port } = server.address();
    console.log(`listening ${address} ${port}`);
  };
  if (process.env.BIND) server.listen(Number(process.env.PORT ?? 8080), process.env.BIND, listening);
  else server.listen(Number(process.env.PORT ?? 8080), listening);
  process.on('SIGTERM', () => {
    console.log('terminating');
    // New connections still come in until every proxy has heard of the end.
    setTimeout(() => { server.close(() => process.exit(0)); server.closeIdleConnections(); }, 200);
  });
}

const parts = {
  serve,
  crash: () => { console.log(`crash ${process.pid}`); fs.writeFileSync('/dev/termination-log', 'out of luck'); process.exit(3); },
  echo: () => { console.log(rest.join(' ')); },
  once: () => { note('/shared/order', `once ${rest[0]}`); },
  sidecar: () => {
    note('/shared/order', `start ${rest[0]}`);
    setTimeout(() => note('/shared/order', `ready ${rest[0]}`), 100);
    setInterval(() => undefined, 1000);
    process.on('SIGTERM', () => { note('/shared/order', `stop ${rest[0]}`); process.exit(0); });
  },
  stubborn: () => { process.on('SIGTERM', () => note('/shared/order', 'ignored SIGTERM')); note('/shared/order', 'up'); setInterval(() => undefined, 1000); },
};
parts[part]();
