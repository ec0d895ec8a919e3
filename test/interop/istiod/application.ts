// The application of a pod: `application.ts NAME HTTP_PORT TCP_PORT`, an HTTP server that says what reached it and a TCP server that greets.
import { echoServer, tcpServer } from '../applications.ts';

const [, , name = '', http = '', tcp = ''] = process.argv;
await echoServer(name, '0.0.0.0', Number(http));
await tcpServer(name, '0.0.0.0', Number(tcp));
process.stdout.write(`${name} listens\n`);
