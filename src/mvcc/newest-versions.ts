import { mapKey } from "../base/bytes.ts";
import { LIMITS } from "../base/limits.ts";
import { NO_VERSION, type Version } from "./version.ts";

/** What a remembered version takes besides its bytes, about: objects, and the key once more as text. */
const ENTRY_BYTES = 512;

/**
 * The newest versions of keys that were lately written or read, deletions too: nearly every command
 * looks one up. In memory only, and a part of the one instance that writes the store: whatever ends
 * that ends this.
 *
 * Garbage collection need not tell. Of what is remembered it deletes nothing but deletions, which
 * mean the same with and without their row: the key does not exist. The older versions that it deletes
 * are not remembered, and what is read as of them is always read from the rows.
 *
 * What is answered never depends on what is remembered: replicas remember different things.
 */
export class NewestVersions {
  /** No stored version has a higher position: who reads from here on sees the newest of all. */
  #newestOrd: number;
  /** By key: remembered since the last change of generations. Takes precedence over the old ones. */
  #young = new Map<string, Version>();
  #youngBytes = 0;
  /** Remembered before that. Those that are asked for become young, the others are forgotten next. */
  #old: ReadonlyMap<string, Version> = new Map();

  /** `newestOrd`: the position of the store's newest version. */
  constructor(newestOrd: number) {
    this.#newestOrd = newestOrd;
  }

  /**
   * The live version of `key` at `bound`, null if it does not exist or is deleted there; undefined if
   * that is not remembered.
   */
  find(key: Uint8Array, bound: number, withValue: boolean): Version | null | undefined {
    if (key.length > LIMITS.newestKeyBytesMax) return undefined;
    const version = this.#get(mapKey(key));
    if (version === undefined || version.ord > bound) return undefined;
    if (version.version === 0) return null;
    if (withValue) return version.value === null ? undefined : version;
    return version.value === null ? version : copyOf(version, version.key, null);
  }

  /** A version was appended. Its bytes are copied: they may be a part of a whole log entry. */
  noteWritten(version: Version): void {
    this.#newestOrd = version.ord;
    if (version.key.length > LIMITS.newestKeyBytesMax) return;
    const { key, value } = version;
    const kept = value === null || value.length > LIMITS.newestValueBytesMax ? null : value.slice();
    this.#set(mapKey(key), copyOf(version, key.slice(), kept));
  }

  /** `version` was found at `bound`, a deletion perhaps; null: there is none. It has its bytes for itself. */
  noteRead(key: Uint8Array, bound: number, version: Version | null): void {
    // What is newest in the past need not be the newest.
    if (bound < this.#newestOrd || key.length > LIMITS.newestKeyBytesMax) return;
    const isLarge = version?.value != null && version.value.length > LIMITS.newestValueBytesMax;
    this.#set(mapKey(key), isLarge ? copyOf(version, version.key, null) : (version ?? NO_VERSION));
  }

  #get(id: string): Version | undefined {
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old !== undefined) this.#set(id, old);
    return old;
  }

  #set(id: string, version: Version): void {
    const before = this.#young.get(id);
    if (before !== undefined) this.#youngBytes -= entryBytes(id, before);
    this.#young.set(id, version);
    this.#youngBytes += entryBytes(id, version);
    if (this.#youngBytes <= LIMITS.newestVersionsBytesMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

/** The version with these bytes. */
function copyOf(
  { ord, main, createMain, version, lease }: Version,
  key: Uint8Array,
  value: Uint8Array | null,
): Version {
  return { ord, main, key, createMain, version, lease, value };
}

function entryBytes(id: string, { value }: Version): number {
  return ENTRY_BYTES + 2 * id.length + (value?.length ?? 0);
}
