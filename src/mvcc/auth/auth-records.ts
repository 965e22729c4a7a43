import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { prefixEnd } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import { type AuthRecord, AuthRecordSchema } from "../../wire/gen/edged_pb.ts";
import { type Role, RoleSchema, type User, UserSchema } from "../../wire/gen/etcd/auth_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";

const PAGE_ROWS = 256;
const AUTH_KEY = systemKey(SYSTEM_PREFIX.auth);

/** One kind of record with a name: users, or roles. */
export class NamedRecords<Message extends User | Role> {
  readonly #system: SystemTable;
  readonly #prefix: Uint8Array;
  readonly #schema: GenMessage<Message>;
  /** How many there are; null before the first look. */
  #count: number | null = null;

  constructor(system: SystemTable, prefix: Uint8Array, schema: GenMessage<Message>) {
    this.#system = system;
    this.#prefix = prefix;
    this.#schema = schema;
  }

  get(name: string): MessageShape<GenMessage<Message>> | null {
    const bytes = this.#system.get(this.#key(name));
    return bytes === null ? null : fromBinary(this.#schema, bytes);
  }

  has(name: string): boolean {
    return this.#system.get(this.#key(name)) !== null;
  }

  /** False, and nothing is written, if the record would be larger than one may be. */
  put(name: string, record: MessageShape<GenMessage<Message>>): boolean {
    const bytes = toBinary(this.#schema, record);
    if (bytes.length > LIMITS.authRecordBytesMax) return false;
    if (this.#count !== null && !this.has(name)) this.#count += 1;
    this.#system.put(this.#key(name), bytes);
    return true;
  }

  delete(name: string): boolean {
    const existed = this.#system.delete(this.#key(name));
    if (existed && this.#count !== null) this.#count -= 1;
    return existed;
  }

  /** All of them, by name in the order of bytes. */
  *all(): Generator<MessageShape<GenMessage<Message>>, void> {
    const end = prefixEnd(this.#prefix);
    for (let from = this.#prefix; ; ) {
      const page = this.#system.page(from, end, PAGE_ROWS);
      for (const { value } of page) yield fromBinary(this.#schema, value);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      from = systemKey(last.key, Uint8Array.of(0));
    }
  }

  get count(): number {
    if (this.#count !== null) return this.#count;
    let count = 0;
    for (const _ of this.all()) count += 1;
    this.#count = count;
    return count;
  }

  #key(name: string): Uint8Array {
    return systemKey(this.#prefix, utf8(name));
  }
}

/** What the group keeps of users and roles, as rows. */
export class AuthRecords {
  readonly users: NamedRecords<User>;
  readonly roles: NamedRecords<Role>;
  readonly #system: SystemTable;
  #auth: AuthRecord | null = null;

  constructor(system: SystemTable) {
    this.#system = system;
    this.users = new NamedRecords(system, SYSTEM_PREFIX.user, UserSchema);
    this.roles = new NamedRecords(system, SYSTEM_PREFIX.role, RoleSchema);
  }

  /** Whether users are asked for, and how often users and roles changed; etcd counts from 1. */
  get auth(): Readonly<Pick<AuthRecord, "enabled" | "revision">> {
    if (this.#auth === null) {
      const bytes = this.#system.get(AUTH_KEY);
      this.#auth =
        bytes === null ? create(AuthRecordSchema, { revision: 1n }) : fromBinary(AuthRecordSchema, bytes);
    }
    return this.#auth;
  }

  setAuth(enabled: boolean, revision: bigint): void {
    this.#auth = create(AuthRecordSchema, { enabled, revision });
    this.#system.put(AUTH_KEY, toBinary(AuthRecordSchema, this.#auth));
  }
}
