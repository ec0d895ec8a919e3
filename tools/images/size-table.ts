// The sizes of images as a table for people.
import type { BuiltImage } from './build-images.ts';

const MEGABYTE = 1_000_000;

/** One line an image and platform: what a registry sends and what a node stores, in MB of 10^6 bytes. */
export function sizeTable(images: readonly BuiltImage[]): string {
  const rows = images.flatMap(({ name, tag, platforms }) => platforms.map(({ architecture, compressedBytes, uncompressedBytes }) => [`${name}:${tag}`, architecture, megabytes(compressedBytes), megabytes(uncompressedBytes)]));
  const table = [['image', 'platform', 'compressed MB', 'uncompressed MB'], ...rows];
  const widths = table[0]?.map((_title, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) => `${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}\n`).join('');
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
