// What a full disk is told as, by whatever writes files of images.

/** The error to throw for one that came up while writing into `folder`: a full disk in words, with what may be done besides freeing space; any other as it is. */
export function writeFailure(error: unknown, folder: string, alternative: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new Error(`${folder} has no space left (${code}): free some there, or ${alternative}`, { cause: error });
}
