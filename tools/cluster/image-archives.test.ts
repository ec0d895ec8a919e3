// What is taken for an archive of images.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './command.ts';
import { checkImageArchives } from './image-archives.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'mizzen-archives-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function archiveOf(name: string, member: string): Promise<string> {
  writeFileSync(join(folder, member.replace(/^\.\//, '')), '{}');
  await run(['tar', '-C', folder, '-cf', join(folder, name), member]);
  return join(folder, name);
}

test.each(['index.json', './index.json', 'manifest.json'])('an archive with %s is one of images', async (member) => {
  await expect(checkImageArchives([await archiveOf('images.tar', member)])).resolves.toBeUndefined();
});

test('a file that is no archive, and an archive of other things, are refused by name', async () => {
  const text = join(folder, 'text.md');
  writeFileSync(text, '# A text\n');
  const good = await archiveOf('good.tar', 'index.json');
  const other = await archiveOf('other.tar', 'text.md');
  await expect(checkImageArchives([good, text])).rejects.toMatchObject({ code: 'CLUSTER_IMAGE', message: expect.stringContaining(`${text} is no archive of images: tar cannot read it`) as string });
  await expect(checkImageArchives([other])).rejects.toThrow(`${other} is no archive of images: it has neither index.json nor manifest.json`);
});
