// Where the sandbox still answers otherwise than kube-apiserver: by scenario, the numbers of the answers in its transcript. `node test/contract/list-differences.ts`
// prints what each difference is, and with --numbers these rows. The contract's test fails for a difference that is not here, and for a row here that is none any more.

/** Numbers of the answers that differ, by scenario. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, readonly number[]>> = {
  'strategic-merge': [18],
  'apply-lists': [6, 7, 8, 9, 10],
  'schemas': [4, 5, 22, 23, 24, 29, 30, 32, 35, 37, 38, 40, 42, 43, 44, 46, 47],
  'rules': [17, 19],
  'ratcheting': [1],
  'definitions': [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 22, 23, 24, 27, 30, 31, 33, 34, 35, 36, 39, 41],
  'pods': [1, 5, 11, 18, 21, 22, 27, 28, 32, 34, 35, 36, 38, 39, 40, 41, 43],
  'services': [4, 9, 13, 17, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 40, 41, 42],
  'workloads': [8, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 26, 30, 38, 39, 40, 41, 42, 43, 44, 45, 46, 48, 49, 50, 56, 57, 58, 60, 61],
  'configuration': [3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25, 26],
  'authorization': [15, 17, 20, 21, 24, 39],
  'escalation': [9, 11, 12, 13, 15, 17, 19],
  'tokens': [0, 1, 2, 3, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
};
