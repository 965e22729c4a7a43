/** Commands that may differ, and where docs/etcd-differences.md says why. */
export const EXPLAINED: ReadonlyMap<string, string> = new Map([]);
