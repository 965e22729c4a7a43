/** Signing in as whoever a part of the simulator acts for. */
import { create } from "@bufbuild/protobuf";
import { type CommandRequest, completeCommand, encodeBody } from "../../../src/gateway/commands.ts";
import type { WriteOutcome } from "../../../src/gateway/leader-router.ts";
import { TokenGrantSchema } from "../../../src/wire/gen/edged_pb.ts";
import { CLUSTER } from "../cluster.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";

/** Passwords that users may have, hashed. */
export const HASHES = ["h0", "h1"] as const;

/** Beyond every run, whatever its clocks say. */
const EXPIRES_AT_MS = 10n ** 14n;

export interface Credentials {
  readonly user: string;
  readonly passwordHash: string;
  /** Each is granted once. */
  readonly token: string;
}

export function tokenGrant(credentials: Credentials): CommandRequest {
  const value = create(TokenGrantSchema, { ...credentials, expiresAtMs: EXPIRES_AT_MS });
  return { case: "authenticate", value };
}

export function proposeAs(
  { router, entropy }: SimGateway,
  token: string | null,
  request: CommandRequest,
  id: Uint8Array = entropy.bytes(16),
): Promise<WriteOutcome> {
  const body = encodeBody(request);
  return router.propose(
    { cluster: CLUSTER, pin: null, token },
    { operationId: () => id, encode: (operation, seen) => completeCommand(body, operation, seen) },
  );
}

/** Who is asked for a token now and then, and takes what it gets. */
export class Visitor {
  readonly #user: string;
  readonly #name: string;
  #tries = 0;
  #token: string | null = null;
  #mustSignIn = false;

  /** `name` is this visitor's own. */
  constructor(name: string, user: string) {
    this.#name = name;
    this.#user = user;
  }

  get token(): string | null {
    return this.#token;
  }

  /** Takes note of a refusal. */
  refused(error: string): void {
    if (error === "userEmpty") this.#mustSignIn = true;
    if (error === "invalidAuthToken") this.#token = null;
  }

  /** Signs in if that is called for, with a password that may be another by now. */
  async signIn(gateway: SimGateway): Promise<void> {
    if (!this.#mustSignIn) return;
    this.#tries += 1;
    const passwordHash = HASHES[this.#tries % HASHES.length] ?? HASHES[0];
    const token = `${this.#name}-${this.#tries}`;
    const outcome = await proposeAs(gateway, null, tokenGrant({ user: this.#user, passwordHash, token }));
    if (outcome.kind === "applied") {
      this.#token = token;
      this.#mustSignIn = false;
    } else if (outcome.kind === "rejected" && outcome.error === "authNotEnabled") {
      this.#mustSignIn = false;
    }
  }
}
