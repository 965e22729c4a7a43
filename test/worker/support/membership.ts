/** etcd's Cluster service as the tests use it. */
import { eventually } from "./eventually.ts";
import type { Answer, KvClient } from "./kv-client.ts";

export interface ListedMember {
  readonly ID: string;
  readonly name?: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs?: readonly string[];
  readonly isLearner?: boolean;
}

export class Membership {
  readonly #client: KvClient;

  constructor(client: KvClient) {
    this.#client = client;
  }

  async list(): Promise<readonly ListedMember[]> {
    const { json } = await this.#untilOk("list", {});
    return json?.["members"] as readonly ListedMember[];
  }

  /** Adds a member and returns its id. */
  async add(peerUrl: string, isLearner = false): Promise<string> {
    const { json } = await this.#untilOk("add", { peerURLs: [peerUrl], isLearner });
    const member = json?.["member"] as ListedMember | undefined;
    if (member === undefined) throw new Error("the answer names no member");
    return member.ID;
  }

  tryAdd(peerUrl: string, isLearner = false): Promise<Answer> {
    return this.#call("add", { peerURLs: [peerUrl], isLearner });
  }

  async remove(id: string): Promise<void> {
    await this.#untilOk("remove", { ID: id });
  }

  /** Repeats until the answer has this status: a cluster that has just begun answers that it cannot yet. */
  tryRemove(id: string, status: number): Promise<Answer> {
    let last = "";
    return eventually(
      `removing is answered with ${status}`,
      async () => {
        const answer = await this.#call("remove", { ID: id });
        last = `${answer.status} ${answer.text}`;
        return answer.status === status ? answer : null;
      },
      () => last,
    );
  }

  tryPromote(id: string): Promise<Answer> {
    return this.#call("promote", { ID: id });
  }

  async promoteWhenReady(id: string): Promise<void> {
    let last = "";
    await eventually(
      "the learner is promoted",
      async () => {
        const answer = await this.tryPromote(id);
        last = `${answer.status} ${answer.text}`;
        return answer.status === 200 ? true : null;
      },
      () => last,
    );
  }

  /** Under one key, so that a repeated change is made once. */
  async #untilOk(method: string, body: unknown): Promise<Answer> {
    const headers = { "Idempotency-Key": `${method}-${performance.now()}` };
    let last = "";
    return eventually(
      `${method} ${JSON.stringify(body)}`,
      async () => {
        const answer = await this.#call(method, body, headers);
        last = `${answer.status} ${answer.text}`;
        return answer.status === 200 ? answer : null;
      },
      () => last,
    );
  }

  #call(method: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const path = `/v3/cluster/member/${method}`;
    return this.#client.request("POST", path, JSON.stringify(body), { headers, timeoutMs: 15_000 });
  }
}
