// The origin server of the proxy benchmark: answers every request on a raw socket with the same small response. `node bench/proxy/origin.ts ADDRESS PORT`.
import { createServer } from 'node:net';

const [, , address = '127.0.0.1', port = '0'] = process.argv;
const body = 'x'.repeat(125);
const answer = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
createServer({ noDelay: true }, (socket) => {
  let kept = '';
  socket.on('data', (data) => {
    kept += data.toString('latin1');
    for (let end = kept.indexOf('\r\n\r\n'); end >= 0; end = kept.indexOf('\r\n\r\n')) {
      kept = kept.slice(end + 4);
      socket.write(answer);
    }
  });
  socket.on('error', () => socket.destroy());
}).listen(Number(port), address);
