/** Keys of candidates, as etcd's concurrency package names them: `<name>/<lease in hexadecimal>`. */
import { concatBytes } from "../../../base/bytes.ts";
import { utf8 } from "../../../wire/text.ts";

export function namePrefix(name: Uint8Array): Uint8Array {
  return concatBytes([name, utf8("/")]);
}

/** As Go prints it: a negative id has its sign. */
export function candidateKey(name: Uint8Array, lease: bigint): Uint8Array {
  return concatBytes([namePrefix(name), utf8(lease.toString(16))]);
}
