// @ts-check
/** `snapshot status`: what is in a file, as etcdctl says it. */
import { statusOfSnapshot } from "./convert.mjs";
import { goBytes } from "./print/go.mjs";
import { fieldLines, jsonLine, show, table } from "./print/output.mjs";

/**
 * @param {import("./context.mjs").CommandContext} context
 * @param {string} file
 */
export async function snapshotStatus(context, file) {
  const { hash, revision, totalKey, totalSize } = await statusOfSnapshot(file);
  const row = [hash.toString(16), String(revision), String(totalKey), goBytes(BigInt(totalSize))];
  show(context, {
    simple: () => `${row.join(", ")}\n`,
    json: () => jsonLine({ hash, revision, totalKey, totalSize }),
    fields: () =>
      fieldLines([
        ["Hash", hash],
        ["Revision", revision],
        ["Keys", totalKey],
        ["Size", totalSize],
      ]),
    table: () => table(["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"], [row]),
  });
}
