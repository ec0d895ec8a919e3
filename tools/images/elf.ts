// Reads and shortens ELF files (64 bit, little endian: both platforms that images are made for). See elf(5).

const MAGIC = 0x464c457f;
const MACHINES: Readonly<Record<number, string>> = { 62: 'amd64', 183: 'arm64' };
const SECTION = { size: 64, headerOffset: 40, entrySize: 58, count: 60, names: 62 } as const;
const NOBITS = 8;
const LOAD = 1;
const DYNAMIC = 2;

/** Architecture that a file was built for, as images name it; undefined when it is no ELF file. */
export function elfArchitecture(bytes: Buffer): string | undefined {
  if (!isElf(bytes)) return undefined;
  const machine = bytes.readUInt16LE(18);
  return MACHINES[machine] ?? `machine ${machine}`;
}

/** Names of the shared libraries that a program or library asks for. */
export function neededLibraries(bytes: Buffer): string[] {
  if (!isElf(bytes)) return [];
  const segments = programHeaders(bytes);
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined) return [];
  const names: number[] = [];
  let strings = 0;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = Number(bytes.readBigUInt64LE(at));
    const value = Number(bytes.readBigUInt64LE(at + 8));
    if (tag === 1) names.push(value);
    if (tag === 5) strings = value;
  }
  const home = segments.find(({ type, address, size }) => type === LOAD && strings >= address && strings < address + size);
  if (home === undefined) return [];
  const table = strings - home.address + home.offset;
  return names.map((name) => bytes.toString('latin1', table + name, bytes.indexOf(0, table + name)));
}

/** The file without what is not loaded at its end: symbols for debuggers and the like. Everything that runs, and what `dlsym` and add-ons see, stays. */
export function withoutDebugSymbols(bytes: Buffer): Buffer {
  const end = Math.max(...programHeaders(bytes).map(({ offset, size }) => offset + size));
  const headers = sectionHeaders(bytes);
  const nameTable = headers[bytes.readUInt16LE(SECTION.names)];
  if (nameTable === undefined) return bytes;
  const cut = headers.findIndex((header) => typeOf(header) !== NOBITS && offsetOf(header) + sizeOf(header) > end);
  const kept = headers.slice(0, cut);
  // Sections refer to one another by number: only a tail can go.
  if (cut < 0 || headers.slice(cut).some((header) => offsetOf(header) < end) || bytes.readUInt16LE(SECTION.names) < cut) return bytes;
  const names = bytes.subarray(offsetOf(nameTable), offsetOf(nameTable) + sizeOf(nameTable));
  const nameHeader = Buffer.from(nameTable);
  nameHeader.writeBigUInt64LE(BigInt(end), 24);
  const tableStart = Math.ceil((end + names.length) / 8) * 8;
  const result = Buffer.concat([bytes.subarray(0, end), names, Buffer.alloc(tableStart - end - names.length), ...kept, nameHeader]);
  result.writeBigUInt64LE(BigInt(tableStart), SECTION.headerOffset);
  result.writeUInt16LE(kept.length + 1, SECTION.count);
  result.writeUInt16LE(kept.length, SECTION.names);
  return result;
}

function isElf(bytes: Buffer): boolean {
  return bytes.length > 64 && bytes.readUInt32LE(0) === MAGIC && bytes[4] === 2 && bytes[5] === 1;
}

function programHeaders(bytes: Buffer): { type: number; offset: number; address: number; size: number }[] {
  const start = Number(bytes.readBigUInt64LE(32));
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * bytes.readUInt16LE(54);
    return { type: bytes.readUInt32LE(at), offset: Number(bytes.readBigUInt64LE(at + 8)), address: Number(bytes.readBigUInt64LE(at + 16)), size: Number(bytes.readBigUInt64LE(at + 32)) };
  });
}

function sectionHeaders(bytes: Buffer): Buffer[] {
  const start = Number(bytes.readBigUInt64LE(SECTION.headerOffset));
  return Array.from({ length: bytes.readUInt16LE(SECTION.count) }, (_, index) => bytes.subarray(start + index * SECTION.size, start + (index + 1) * SECTION.size));
}

const typeOf = (header: Buffer): number => header.readUInt32LE(4);
const offsetOf = (header: Buffer): number => Number(header.readBigUInt64LE(24));
const sizeOf = (header: Buffer): number => Number(header.readBigUInt64LE(32));
