// The image `test-tools`: a shell with curl, tcpdump, nc, openssl and the packet filter's tools, for tests and for looking into a pod. Never part of a mesh.
import type { PackageChoice } from './base-layers.ts';
import { file, symlink, type FileEntry } from './file-tree.ts';

/** Debian packages of the test tools, with what they link to; the packet filter's come beside them. */
export const TEST_TOOLS_PACKAGES: readonly PackageChoice[] = [
  ...['busybox', 'curl', 'tcpdump', 'netcat-openbsd', 'openssl', 'conntrack'].map((name) => ({ name, keep: /bin\// })),
  { name: 'ca-certificates', keep: /ca-certificates\/mozilla\// },
  ...['libcurl4', 'libpcap0.8', 'libdbus-1-3', 'libssl3', 'libnghttp2-14', 'libidn2-0', 'librtmp1', 'libssh2-1', 'libpsl5', 'libgssapi-krb5-2', 'libldap-2.5-0', 'libzstd1', 'libbrotli1', 'libunistring2',
    'libgnutls30', 'libhogweed6', 'libnettle8', 'libkrb5-3', 'libk5crypto3', 'libcom-err2', 'libkrb5support0', 'libsasl2-2', 'libp11-kit0', 'libtasn1-6', 'libkeyutils1', 'libffi8', 'libsystemd0',
    'libgcrypt20', 'liblzma5', 'liblz4-1', 'libgpg-error0'].map((name) => ({ name, keep: /\.so/ })),
];

// What scripts use. `ip`, `nc` and `nsenter` are the real ones.
const APPLETS = ('[ arp ash awk base64 basename cat chmod chown clear cmp cp cut date dd df diff dirname du echo egrep env expand expr false find fold free grep gunzip gzip head hexdump hostname httpd id ifconfig kill killall ' +
  'less ln ls md5sum mkdir mkfifo mktemp more mount mv netstat nl nproc nslookup od paste ping ping6 printf ps pwd readlink realpath rm rmdir route sed seq setsid sh sha1sum sha256sum sha512sum shuf sleep sort ' +
  'stat strings stty sync tail tar tee telnet test time timeout top touch tr traceroute true tty uname uniq unshare uptime usleep vi watch wc wget which who whoami xargs xxd yes zcat').split(' ');

/** Links from the names of commands to the programs that do them, and the bundle of certificate authorities that curl and openssl read. */
export function testToolsExtras(files: readonly FileEntry[]): FileEntry[] {
  const authorities = files.flatMap((entry) => (entry.type === 'file' && entry.path.endsWith('.crt') ? [entry] : [])).sort((left, right) => (left.path < right.path ? -1 : 1));
  return [
    ...APPLETS.map((name) => symlink(`usr/bin/${name}`, 'busybox')),
    symlink('usr/bin/nc', 'nc.openbsd'),
    // Over the base's: Debian's tcpdump goes on as this user once it listens, and ends when there is none.
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ntcpdump:x:100:100:tcpdump:/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'),
    file('etc/group', 'root:x:0:\ntcpdump:x:100:\nnogroup:x:65534:\n'),
    file('etc/ssl/certs/ca-certificates.crt', Buffer.concat(authorities.map(({ content }) => Buffer.from(content)))),
    symlink('usr/lib/ssl/certs', '/etc/ssl/certs'),
    symlink('usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt'),
  ];
}
