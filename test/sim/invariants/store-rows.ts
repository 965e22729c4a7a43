/**
 * 9, 19, 20, 22. Every row a replica has stored durably is the model's, and its counters are the
 * model's at its applied index; a pulled snapshot lacks nothing that compaction has left.
 */
import type { SqlRow, SqlValue } from "../../../src/base/sql.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { DurableChange } from "../cluster.ts";
import type { Model, Moment } from "../oracle/model.ts";
import type { Version } from "../oracle/naive-store.ts";

const NAME = "store-rows";

export function checkStoreRows({ object, change }: DurableChange, model: Model): void {
  const { meta, versions, installed } = change;
  const moment = model.byIndex[meta.applied];
  if (moment === undefined) {
    violated(NAME, `${object.name} applied ${meta.applied}, ${model.index} entries are committed`);
  }
  for (const counter of ["revision", "ord", "sequence", "compactRevision"] as const) {
    if (meta[counter] !== moment[counter]) {
      violated(
        NAME,
        `${object.name} has ${counter} ${meta[counter]} at index ${meta.applied}, not ${moment[counter]}`,
      );
    }
  }
  for (const row of versions) checkRow(object.name, row, model.store.versions);
  if (installed && !moment.isRestoring) checkComplete(object.name, versions, moment, model.store.versions);
}

function checkRow(who: string, row: SqlRow, versions: readonly Version[]): void {
  const [ord, main, sub, key, create, version, value] = row;
  const expected = versions[Number(ord) - 1];
  if (expected === undefined) violated(NAME, `${who} stored version ${ord}, which nobody wrote`);
  const equal =
    main === expected.main &&
    sub === expected.sub &&
    isHexOf(expected.key, key) &&
    create === expected.create &&
    version === expected.version &&
    isHexOf(expected.value, value);
  if (!equal) {
    violated(NAME, `${who} stored ${JSON.stringify(row)}, expected ${JSON.stringify(expected)}`);
  }
}

/** What history above the compacted revision needs, as the model sees it. */
function checkComplete(who: string, rows: readonly SqlRow[], moment: Moment, all: readonly Version[]): void {
  const present = new Set(rows.map(([ord]) => Number(ord)));
  const newest = new Set<string>();
  for (let ord = moment.ord; ord > 0; ord -= 1) {
    const version = all[ord - 1];
    if (version === undefined) continue;
    const compacted = version.main <= moment.compactRevision;
    const hidden = compacted && newest.has(version.key);
    if (compacted) newest.add(version.key);
    const deletion = version.value === null && version.main < moment.compactRevision;
    if (!hidden && !deletion && !present.has(ord)) {
      violated(NAME, `${who} installed a snapshot without version ${ord} (revision ${version.main})`);
    }
  }
}

/** Whether a stored value is these bytes in hexadecimal; null for NULL. */
function isHexOf(text: string | null, value: SqlValue | undefined): boolean {
  if (!(value instanceof Uint8Array)) return text === null;
  if (text === null || text.length !== 2 * value.length) return false;
  for (let i = 0; i < value.length; i += 1) {
    const byte = value[i] as number;
    if (text.charCodeAt(2 * i) !== HEX_DIGITS[byte >> 4]) return false;
    if (text.charCodeAt(2 * i + 1) !== HEX_DIGITS[byte & 15]) return false;
  }
  return true;
}

/** Character codes. */
const HEX_DIGITS: readonly number[] = [..."0123456789abcdef"].map((digit) => digit.charCodeAt(0));
