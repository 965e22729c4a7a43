import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { Passwords } from "../../src/gateway/passwords.ts";
import { mintToken, tokenDigest } from "../../src/gateway/sign-in-token.ts";
import { FakeEntropy } from "./fakes.ts";

test("a hash belongs to its password and to no other, also to an empty one", async () => {
  const passwords = new Passwords(new FakeEntropy());
  for (const password of ["secret", "", "päßwörd \u{1f511}"]) {
    const hash = (await passwords.hash(password)) ?? "";
    expect(hash).toMatch(/^pbkdf2-sha256\$100000\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+$/);
    expect(await passwords.matches(password, hash)).toBe(true);
    expect(await passwords.matches(`${password}x`, hash)).toBe(false);
  }
});

test("one password has a hash of its own each time", async () => {
  const passwords = new Passwords(new FakeEntropy());
  expect(await passwords.hash("p")).not.toBe(await passwords.hash("p"));
});

test.each([null, "", "p", "$2a$10$bcrypt", "pbkdf2-sha256$100000$AAAA"])(
  "no password is that of %s",
  async (stored) => {
    const passwords = new Passwords(new FakeEntropy());
    for (const password of ["", "p"]) expect(await passwords.matches(password, stored)).toBe(false);
  },
);

test("hashes as PBKDF2 does, so that what is stored stays of use", async () => {
  // The published test vector of one round: "password", "salt".
  const stored = "pbkdf2-sha256$1$c2FsdA==$Eg+2z/z4syxD5yJSVsT4N6hlSMkszDVICAWYfLcL4Xs=";
  expect(await new Passwords(new FakeEntropy()).matches("password", stored)).toBe(true);
});

test("a crowd is sent away instead of being kept waiting", async () => {
  const passwords = new Passwords(new FakeEntropy());
  const crowd = LIMITS.passwordsHashedMax + LIMITS.passwordsWaitingMax;
  const hashes = await Promise.all(Array.from({ length: crowd + 3 }, () => passwords.hash("p")));
  expect(hashes.filter((hash) => hash === null).length).toBe(3);
  expect(await passwords.hash("p")).not.toBe(null);
});

test("tokens look as etcd's do, and replicas are not told them", async () => {
  const token = mintToken({ fraction: () => 0, bytes: (n) => crypto.getRandomValues(new Uint8Array(n)) }, 42);
  expect(token).toMatch(/^[A-Za-z]{24}\.42$/);
  expect(await tokenDigest(token)).toMatch(/^[0-9a-f]{64}$/);
  expect(await tokenDigest(token)).not.toBe(await tokenDigest(`${token} `));
});
