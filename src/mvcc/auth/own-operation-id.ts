import type { Command } from "../../wire/gen/edged_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { Hasher } from "../hasher.ts";

/**
 * The id under which a command is remembered: its own, mixed with its user. Clients may choose ids;
 * whoever names another's must not be handed what that one was answered.
 */
export function ownOperationId({ opId, user, internal }: Command): Uint8Array {
  if (user === "" || internal) return opId;
  const name = utf8(user);
  const mask = [1, 2].map((lane) => new Hasher().number(lane).bytes(name).digest()).join("");
  return opId.map((byte, place) => byte ^ Number.parseInt(mask.slice(2 * place, 2 * place + 2), 16));
}
