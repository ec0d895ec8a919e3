// Warning headers: what a client is told beside the answer, within the bounds that Kubernetes keeps.

const TOTAL_LIMIT = 4096;
const ITEM_LIMIT = 256;

/** The values of the Warning headers for these texts: each once, none that a header cannot carry, and cut when they are too long together. */
export function warningHeaders(texts: readonly string[]): string[] {
  const distinct = [...new Set(texts)].filter((text) => text !== '');
  let chosen: string[] = [];
  let written = 0;
  let isTruncating = false;
  for (const [index, text] of distinct.entries()) {
    if (isTruncating && written >= TOTAL_LIMIT) break;
    const shown = isTruncating ? cut(text) : text;
    // Control characters would be more than one line.
    if (/\p{Cc}/u.test(shown)) continue;
    if (!isTruncating && written + lengthOf(shown) > TOTAL_LIMIT) {
      isTruncating = true;
      chosen = distinct.slice(0, index + 1).map(cut).filter((item) => !/\p{Cc}/u.test(item));
      written = chosen.reduce((sum, item) => sum + lengthOf(item), 0);
      continue;
    }
    chosen.push(shown);
    written += lengthOf(shown);
  }
  return chosen.map((text) => `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
}

const lengthOf = (text: string): number => [...text].length;
const cut = (text: string): string => (lengthOf(text) > ITEM_LIMIT ? [...text].slice(0, ITEM_LIMIT).join('') : text);
