/** Commands that may differ: as they are printed, and where docs/etcd-differences.md says why. */
export const EXPLAINED: ReadonlyMap<string, string> = new Map();
