// The packet filter's tools: in the image of the init container and the node agent, and in the test tools, nowhere else.
import { symlink, type FileEntry } from './file-tree.ts';
import type { PackageChoice } from './base-layers.ts';

/** iptables with both back ends, nft, ip and nsenter, with what they link to. */
export const PACKET_FILTER_PACKAGES: readonly PackageChoice[] = [
  { name: 'iptables', keep: /sbin\/xtables-(nft|legacy)-multi$|\/xtables\/lib(ip|ip6|x)t_|sbin\/ip6?tables-(nft|legacy)/ },
  ...['libxtables12', 'libip4tc2', 'libip6tc2', 'libmnl0', 'libnftnl11', 'libnfnetlink0', 'libnetfilter-conntrack3'].map((name) => ({ name })),
  { name: 'nftables', keep: /sbin\/nft$/ },
  ...['libnftables1', 'libjansson4', 'libgmp10', 'libedit2', 'libtinfo6', 'libbsd0', 'libmd0'].map((name) => ({ name, keep: /\.so/ })),
  { name: 'iproute2', keep: /bin\/ip$/ },
  ...['libbpf1', 'libelf1', 'zlib1g', 'libcap2', 'libselinux1', 'libpcre2-8-0'].map((name) => ({ name, keep: /\.so/ })),
  { name: 'util-linux', keep: /bin\/nsenter$/ },
];

/** The names that Debian's alternatives give: the nft back end is the one without a suffix. */
export function packetFilterLinks(): FileEntry[] {
  return ['iptables', 'ip6tables'].flatMap((family) => ['', '-save', '-restore'].map((verb) => symlink(`usr/sbin/${family}${verb}`, 'xtables-nft-multi')));
}
