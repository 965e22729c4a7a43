/** Requests that most tests of the plain dialect make. */
import { expect } from "vitest";
import { testGateway } from "./fakes.ts";

export type Gateway = ReturnType<typeof testGateway>;

export function put(
  gateway: Gateway,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  return gateway.app.request(path, { method: "PUT", body, headers });
}

/** A gateway over a store that holds `keys`, each with the value `v-key`. */
export async function seeded(...keys: readonly string[]): Promise<Gateway> {
  const gateway = testGateway();
  for (const key of keys) expect((await put(gateway, `/kv/${key}`, `v-${key}`)).status).toBe(200);
  return gateway;
}

/** Errors and lists are JSON. */
export function expectJson(response: Response): void {
  expect(response.headers.get("Content-Type")).toBe("application/json");
}
