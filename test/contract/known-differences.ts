// Where the sandbox still answers otherwise than kube-apiserver: by scenario, the numbers of the answers in its transcript. `node test/contract/list-differences.ts`
// prints what each difference is, and with --numbers these rows. The contract's test fails for a difference that is not here, and for a row here that is none any more.

/** Numbers of the answers that differ, by scenario. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, readonly number[]>> = {
  'rules': [17],
  'workloads': [60],
  'authorization': [15, 17],
  'conversion-webhooks': [9, 10, 15, 38, 42, 44, 46, 59, 60, 63, 64, 67, 68, 71, 75, 77],
  'discovery': [1, 4],
  'openapi': [0, 1, 2, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36],
  'system': [31],
  'media-types': [3, 5, 6, 9, 10, 11, 13, 14, 17, 19, 20, 22, 23, 24, 25, 30, 31, 32, 35, 36, 37, 38, 39, 40, 41, 42, 43, 45, 47, 48, 49, 50, 51, 52, 53, 56, 62, 64, 65, 66, 67, 68, 69, 70, 72, 73],
  'forms': [3, 11, 12],
  'compression': [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 16],
  'protobuf': [6, 8, 9, 10, 11, 14, 15, 17, 21],
  'bound-tokens': [28],
};
