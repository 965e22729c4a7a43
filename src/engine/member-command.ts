import type { Command } from "../wire/gen/edged_pb.ts";

/** Whether a client's command changes members. */
export function isMemberCommand({ request }: Command): boolean {
  switch (request.case) {
    case "memberAdd":
    case "memberRemove":
    case "memberUpdate":
    case "memberPromote":
      return true;
    default:
      return false;
  }
}
