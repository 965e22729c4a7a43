/** With the faults gone root signs in and ends the asking for users: then everybody is served. */
import { create } from "@bufbuild/protobuf";
import type { CommandRequest } from "../../../src/gateway/commands.ts";
import { AuthDisableRequestSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { HealParts } from "../heal.ts";
import { HASHES, proposeAs, tokenGrant } from "./sign-in.ts";

/** The healer's token. */
const TOKEN = "healer";

export async function endUsers({ world, options, gateway }: HealParts): Promise<void> {
  const deadline = world.now + 40 * options.electionMs + 30_000;
  let tries = 0;
  let last = "nothing";
  let isOver = false;
  const send = (request: CommandRequest, token: string | null, told: (text: string) => void): void => {
    proposeAs(gateway, token, request)
      .then((outcome) => told(outcome.kind === "rejected" ? outcome.error : outcome.kind))
      .catch((error: unknown) => world.fail(error instanceof Error ? error : new Error(String(error))));
  };
  const attempt = (): void => {
    const passwordHash = HASHES[tries % HASHES.length] ?? HASHES[0];
    tries += 1;
    send(tokenGrant({ user: "root", passwordHash, token: TOKEN }), null, (text) => {
      last = text;
      if (text === "authNotEnabled") isOver = true;
      if (text !== "applied") return;
      const disable = { case: "authDisable", value: create(AuthDisableRequestSchema) } as const;
      send(disable, TOKEN, (answer) => {
        last = answer;
      });
    });
  };
  while (!isOver) {
    if (world.now >= deadline) violated("users-end", `root cannot sign in and end the asking: ${last}`);
    gateway.run(attempt);
    await world.run(world.now + 2 * options.electionMs, () => isOver);
  }
}
