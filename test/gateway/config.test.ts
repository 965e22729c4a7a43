import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/durable/config.ts";

const THREE = "r1=enam,r2=weur,r3=apac-ne";

function problemsOf(env: Record<string, unknown>) {
  const config = parseConfig(env);
  return config.ok ? [] : config.error;
}

function valid(env: Record<string, unknown>) {
  const config = parseConfig({ INITIAL_CLUSTER: THREE, ...env });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

describe("a valid configuration", () => {
  test("has the documented defaults and is frozen", () => {
    const config = valid({});
    expect(config).toEqual({
      members: [
        { name: "r1", hint: "enam", binding: "REPLICA" },
        { name: "r2", hint: "weur", binding: "REPLICA" },
        { name: "r3", hint: "apac-ne", binding: "REPLICA" },
      ],
      heartbeatMs: 250,
      electionMs: 1_500,
      quiesceAfterMs: 5_000,
      snapshotEvery: 10_000,
      quotaBytes: 2_147_483_648,
      autoCompaction: { kind: "off" },
      access: { kind: "closed" },
      allowClusterCreate: false,
      advertiseClientUrls: [],
      warnings: [],
    });
    for (const part of [config, config.members, config.members[0], config.access, config.warnings]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("takes TOML numbers and booleans as well as texts", () => {
    const config = valid({
      HEARTBEAT_MS: 100,
      ELECTION_MS: "400",
      ALLOW_ANONYMOUS: true,
      QUIESCE_AFTER_MS: 0,
    });
    expect(config).toMatchObject({ heartbeatMs: 100, electionMs: 400, quiesceAfterMs: 0 });
    expect(config.access).toEqual({ kind: "anonymous" });
  });

  test("takes blanks around members and a binding of its own for one", () => {
    const config = valid({
      INITIAL_CLUSTER: " r1=enam , r2=weur@PEER_2 ",
      PEER_2: { idFromName: () => null },
    });
    expect(config.members).toEqual([
      { name: "r1", hint: "enam", binding: "REPLICA" },
      { name: "r2", hint: "weur", binding: "PEER_2" },
    ]);
  });

  test.each([
    ["off", { kind: "off" }],
    ["revisions:1000", { kind: "revisions", keep: 1_000 }],
    ["30m", { kind: "periodic", periodMs: 1_800_000 }],
    ["12h", { kind: "periodic", periodMs: 43_200_000 }],
    ["7d", { kind: "periodic", periodMs: 604_800_000 }],
  ])("reads AUTO_COMPACTION=%s", (text, expected) => {
    expect(valid({ AUTO_COMPACTION: text }).autoCompaction).toEqual(expected);
  });

  test("a token wins over ALLOW_ANONYMOUS, with a warning", () => {
    const config = valid({ API_TOKEN: "0123456789abcdef", ALLOW_ANONYMOUS: "true" });
    expect(config.access).toEqual({ kind: "token", token: "0123456789abcdef" });
    expect(config.warnings.map((warning) => warning.variable)).toEqual(["ALLOW_ANONYMOUS"]);
  });
});

describe("warnings", () => {
  test.each(["sam", "afr", "me"])("%s hosts no objects", (hint) => {
    const config = valid({ INITIAL_CLUSTER: `r1=${hint}` });
    expect(config.warnings).toHaveLength(1);
    expect(config.warnings[0]?.message).toContain(`"${hint}"`);
  });

  test.each([
    ["a=enam,b=weur", "2 members survive the loss of 0"],
    ["a=enam,b=weur,c=oc,d=eeur", "4 members survive the loss of 1"],
    ["a=oc,b=oc,c=oc,d=oc,e=oc,f=oc", "6 members survive the loss of 2"],
  ])("%s is even", (members, message) => {
    expect(valid({ INITIAL_CLUSTER: members }).warnings[0]?.message).toContain(message);
  });

  test("odd counts that host are fine", () => {
    for (const members of ["a=wnam", THREE, "a=oc,b=eeur,c=apac-se,d=apac,e=oc"]) {
      expect(valid({ INITIAL_CLUSTER: members }).warnings).toEqual([]);
    }
  });

  test("a short token can be guessed", () => {
    expect(valid({ API_TOKEN: "secret" }).warnings[0]?.variable).toBe("API_TOKEN");
  });
});

describe("an invalid configuration names the variable, the fault and the fix", () => {
  test.each([
    ["no members", {}, "INITIAL_CLUSTER", "no members"],
    ["blank members", { INITIAL_CLUSTER: "  " }, "INITIAL_CLUSTER", "no members"],
    ["a stray comma", { INITIAL_CLUSTER: "r1=enam," }, "INITIAL_CLUSTER", '""'],
    ["no hint", { INITIAL_CLUSTER: "r1" }, "INITIAL_CLUSTER", '"r1" is not name=hint'],
    ["two hints", { INITIAL_CLUSTER: "r1=enam=weur" }, "INITIAL_CLUSTER", "is not name=hint"],
    ["an upper-case name", { INITIAL_CLUSTER: "R1=enam" }, "INITIAL_CLUSTER", '"R1" is not a member name'],
    ["a leading hyphen", { INITIAL_CLUSTER: "-a=enam" }, "INITIAL_CLUSTER", "is not a member name"],
    ["a long name", { INITIAL_CLUSTER: `${"a".repeat(32)}=enam` }, "INITIAL_CLUSTER", "is not a member name"],
    ["a slash in a name", { INITIAL_CLUSTER: "a/b=enam" }, "INITIAL_CLUSTER", "is not a member name"],
    ["an unknown hint", { INITIAL_CLUSTER: "r1=mars" }, "INITIAL_CLUSTER", 'unknown location hint "mars"'],
    [
      "a name twice",
      { INITIAL_CLUSTER: "a=enam,b=weur,a=oc" },
      "INITIAL_CLUSTER",
      '"a" is used more than once',
    ],
    ["a bad binding", { INITIAL_CLUSTER: "a=enam@1x" }, "INITIAL_CLUSTER", "bad binding name"],
    ["a missing binding", { INITIAL_CLUSTER: "a=enam@X" }, "INITIAL_CLUSTER", '"X" does not exist'],
    ["a wrong type", { INITIAL_CLUSTER: ["r1=enam"] }, "INITIAL_CLUSTER", "neither a text nor a number"],
  ])("%s", (_name, env, variable, message) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.variable).toBe(variable);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.fix).not.toBe("");
  });

  test("ten members", () => {
    const ten = Array.from({ length: 10 }, (_, position) => `m${position}=enam`).join(",");
    expect(problemsOf({ INITIAL_CLUSTER: ten })[0]?.message).toContain("10 members are more than 9");
    const nine = ten.split(",").slice(1).join(",");
    expect(problemsOf({ INITIAL_CLUSTER: nine })).toEqual([]);
  });

  test.each([
    ["HEARTBEAT_MS", "0"],
    ["HEARTBEAT_MS", "fast"],
    ["HEARTBEAT_MS", "-250"],
    ["HEARTBEAT_MS", "250.5"],
    ["HEARTBEAT_MS", ""],
    ["ELECTION_MS", "999999999"],
    ["QUIESCE_AFTER_MS", "1e3"],
    ["SNAPSHOT_EVERY", "1"],
    ["QUOTA_BYTES", "99999999999"],
    ["AUTO_COMPACTION", "1"],
    ["AUTO_COMPACTION", "0h"],
    ["AUTO_COMPACTION", "revisions:0"],
    ["API_TOKEN", ""],
    ["API_TOKEN", "two words"],
    ["API_TOKEN", "schlüssel"],
    ["ALLOW_ANONYMOUS", "yes"],
    ["ALLOW_CLUSTER_CREATE", "1"],
  ])("%s=%j", (variable, value) => {
    const problems = problemsOf({ INITIAL_CLUSTER: THREE, [variable]: value });
    expect(problems.map((problem) => problem.variable)).toEqual([variable]);
  });

  test("an election time below four heartbeats says why", () => {
    expect(problemsOf({ INITIAL_CLUSTER: THREE, HEARTBEAT_MS: 400 })).toEqual([
      {
        variable: "ELECTION_MS",
        message:
          "1500 ms is less than 4 times HEARTBEAT_MS (400 ms): one late heartbeat would depose a healthy leader",
        fix: "set it to at least 1600, or lower HEARTBEAT_MS",
      },
    ]);
    expect(valid({ HEARTBEAT_MS: 375 }).heartbeatMs).toBe(375);
  });

  test("all problems come at once", () => {
    const problems = problemsOf({
      INITIAL_CLUSTER: "A=enam,b=mars",
      HEARTBEAT_MS: "x",
      QUOTA_BYTES: "x",
      API_TOKEN: "",
    });
    expect(problems.map((problem) => problem.variable)).toEqual([
      "INITIAL_CLUSTER",
      "INITIAL_CLUSTER",
      "HEARTBEAT_MS",
      "QUOTA_BYTES",
      "API_TOKEN",
    ]);
  });
});
