/** Commands that may differ, and where the docs say why. */
const OWN_FORMAT = "snapshots have a format of their own (docs/snapshot-format.md)";

export const EXPLAINED: ReadonlyMap<string, string> = new Map([
  ["snapshot save {file}", OWN_FORMAT],
  ["snapshot status {lastfile}", OWN_FORMAT],
]);
