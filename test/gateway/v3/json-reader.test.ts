import { create, type DescMessage, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decodeBase64 } from "../../../src/gateway/v3/json-base64.ts";
import { readJsonRequest } from "../../../src/gateway/v3/json-reader.ts";
import {
  AuthRoleGrantPermissionRequestSchema,
  MemberAddRequestSchema,
  MemberRemoveRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  TxnRequestSchema,
  WatchRequestSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function refusal(schema: DescMessage, text: string): string {
  const read = readJsonRequest(schema, bytes(text));
  if (read.ok) throw new Error(`${text} was read`);
  return read.error.kind === "unreadable" ? read.error.message : read.error.error;
}

function read<Desc extends DescMessage>(schema: Desc, text: string) {
  const result = readJsonRequest(schema, bytes(text));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

describe("what is printed", () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const value = fc.uint8Array({ maxLength: 20 });
  const put = fc.record({ key: value, value, lease: int64, prevKv: fc.boolean() });
  const range = fc.record({
    key: value,
    limit: int64,
    sortOrder: fc.constantFrom(0, 1, 2),
    sortTarget: fc.constantFrom(0, 1, 2, 3, 4),
    countOnly: fc.boolean(),
  });
  const operand = fc.oneof(
    fc.record({ case: fc.constant("value" as const), value }),
    fc.record({ case: fc.constant("lease" as const), value: int64 }),
  );
  const compare = fc.record({ key: value, result: fc.constantFrom(0, 3), targetUnion: operand });
  const { txn } = fc.letrec<{ txn: MessageInitShape<typeof TxnRequestSchema>; op: object }>((tie) => ({
    txn: fc.record({
      compare: fc.array(compare, { maxLength: 2 }),
      success: fc.array(tie("op"), { maxLength: 3 }),
      failure: fc.array(tie("op"), { maxLength: 2 }),
    }),
    op: fc
      .oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.record({ case: fc.constant("requestPut"), value: put }),
        fc.record({ case: fc.constant("requestRange"), value: range }),
        fc.record({ case: fc.constant("requestTxn"), value: tie("txn") }),
      )
      .map((request) => ({ request })),
  }));

  test("is read back, in both spellings", () => {
    fc.assert(
      fc.property(txn, fc.boolean(), fc.constantFrom(0, 1), (init, useProtoFieldName, prettySpaces) => {
        const message = create(TxnRequestSchema, init);
        const text = toJsonString(TxnRequestSchema, message, { useProtoFieldName, prettySpaces });
        expect(read(TxnRequestSchema, text)).toEqual(message);
      }),
      { numRuns: 300 },
    );
  });
});

describe("numbers", () => {
  it.each([
    ["9223372036854775807", 9223372036854775807n],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -9223372036854775808n],
    ["-0", 0n],
    ['" 1"', 1n],
    ['"1 "', 1n],
    ['"null"', 0n],
    ["null", 0n],
  ])("%s is exact", (text, limit) => {
    expect(read(RangeRequestSchema, `{"limit":${text}}`).limit).toBe(limit);
  });

  const INT64 = "into Go value of type int64";
  it.each([
    ["1.0", `json: cannot unmarshal number 1.0 ${INT64}`],
    ['"1e2"', `json: cannot unmarshal number 1e2 ${INT64}`],
    ["9223372036854775808", `json: cannot unmarshal number 9223372036854775808 ${INT64}`],
    ["1".repeat(100_000), `json: cannot unmarshal number ${"1".repeat(100_000)} ${INT64}`],
    ["true", `json: cannot unmarshal bool ${INT64}`],
    ['"{}"', `json: cannot unmarshal object ${INT64}`],
    ["[]", `json: cannot unmarshal array ${INT64}`],
    ['""', "unexpected end of JSON input"],
    ['"0x10"', "invalid character 'x' after top-level value"],
    ['"\\"1\\""', "invalid character '\\\\' looking for beginning of value"],
  ])("%.20s is refused", (text, message) => {
    expect(refusal(RangeRequestSchema, `{"limit":${text}}`)).toBe(message);
  });

  test("of unsigned fields", () => {
    expect(read(MemberRemoveRequestSchema, '{"ID":18446744073709551615}').ID).toBe(2n ** 64n - 1n);
    for (const text of ["-1", "-0", "18446744073709551616"]) {
      const message = `json: cannot unmarshal number ${text} into Go value of type uint64`;
      expect(refusal(MemberRemoveRequestSchema, `{"ID":"${text}"}`)).toBe(message);
    }
  });
});

describe("wrong types", () => {
  it.each([
    [PutRequestSchema, '{"prev_kv":1}', "json: cannot unmarshal number into Go value of type bool"],
    [PutRequestSchema, '{"key":{}}', "json: cannot unmarshal object into Go value of type []uint8"],
    [PutRequestSchema, '{"key":[256]}', "json: cannot unmarshal number 256 into Go value of type uint8"],
    [PutRequestSchema, '{"key":["a"]}', "json: cannot unmarshal string into Go value of type uint8"],
    [
      TxnRequestSchema,
      '{"success":[[]]}',
      "json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
    ],
    [
      TxnRequestSchema,
      '{"compare":{}}',
      "json: cannot unmarshal object into Go value of type []json.RawMessage",
    ],
    [
      RangeRequestSchema,
      '{"sort_order":"\\u0041"}',
      'unknown value "\\\\u0041" for enum etcdserverpb.RangeRequest_SortOrder',
    ],
    [
      RangeRequestSchema,
      '{"sort_order":2147483648}',
      "json: cannot unmarshal number 2147483648 into Go value of type etcdserverpb.RangeRequest_SortOrder",
    ],
    [
      AuthRoleGrantPermissionRequestSchema,
      '{"perm":{"permType":"X"}}',
      'unknown value "X" for enum authpb.Permission_Type',
    ],
    [
      WatchRequestSchema,
      '{"create_request":{"filters":"NOPUT"}}',
      'invalid target "slice" for enum etcdserverpb.WatchCreateRequest_FilterType',
    ],
    [
      MemberAddRequestSchema,
      '{"peerURLs":[1]}',
      "json: cannot unmarshal number into Go value of type string",
    ],
  ])("%# %s %s", (schema, text, message) => {
    expect(refusal(schema, text)).toBe(message);
  });
});

describe("fields", () => {
  test("unknown ones are ignored, whatever they hold", () => {
    expect(read(PutRequestSchema, '{"Key":"?","x":[{"key":1}],"key":"YQ=="}')).toMatchObject({
      key: bytes("a"),
    });
  });

  test("the last of one name wins, camelCase wins over the other, null takes back", () => {
    expect(read(PutRequestSchema, '{"prevKv":true,"prev_kv":false}').prevKv).toBe(true);
    expect(read(PutRequestSchema, '{"prevKv":false,"prev_kv":true}').prevKv).toBe(false);
    expect(read(PutRequestSchema, '{"key":"Yg==","key":"YQ=="}').key).toEqual(bytes("a"));
    expect(read(PutRequestSchema, '{"prev_kv":true,"prevKv":null}').prevKv).toBe(false);
  });

  test("of several wrong ones the first declared is told, members of a oneof last", () => {
    const text = '{"compare":[{"version":"x","range_end":1,"key":2}]}';
    expect(refusal(TxnRequestSchema, text)).toContain("number into Go value of type []uint8");
    expect(refusal(TxnRequestSchema, '{"compare":[{"version":"x","range_end":true}]}')).toContain("bool");
  });

  test("null in a list is an empty message", () => {
    expect(read(TxnRequestSchema, '{"success":[null,{"request_put":null}]}').success).toHaveLength(2);
  });

  test("bytes may be a list of numbers, and strings may have escapes", () => {
    expect(read(PutRequestSchema, '{"key":[97,null,255]}').key).toEqual(new Uint8Array([97, 0, 255]));
    expect(read(PutRequestSchema, '{"key":"\\u0059Q\\n=="}').key).toEqual(bytes("a"));
    expect(read(MemberAddRequestSchema, '{"peerURLs":["\\ud800x"]}').peerURLs).toEqual(["\ufffdx"]);
  });

  test("nothing at all is an empty request", () => {
    for (const text of ["", "  ", "null", "{}"]) {
      expect(read(PutRequestSchema, text)).toEqual(create(PutRequestSchema));
    }
  });
});

describe("limits", () => {
  const nested = (levels: number) =>
    `${'{"success":[{"request_txn":'.repeat(levels)}{}${"}]}".repeat(levels)}`;

  test("transactions nest as deep as they may have operations, and no deeper", () => {
    expect(read(TxnRequestSchema, nested(128)).success).toHaveLength(1);
    expect(refusal(TxnRequestSchema, nested(140))).toBe("tooManyOps");
    expect(refusal(TxnRequestSchema, nested(3_000))).toBe("tooManyOps");
  });

  test("lists are bounded", () => {
    expect(refusal(TxnRequestSchema, `{"success":[${"null,".repeat(300_000)}null]}`)).toBe("requestTooLarge");
  });
});

describe("base64", () => {
  it.each([
    ["YQ", 0],
    ["YQ=", 3],
    ["YQ===", 4],
    ["Y", 0],
    ["YWJjZ", 4],
    ["YWJjZGU", 4],
    ["YW Jj", 2],
    ["YWJj====", 4],
    ["YQ==YQ==", 4],
    ["_w==", 0],
    ["YWJjZ===", 5],
    ["=", 0],
    ["YQ=\n", 4],
    ["YQ=\nx", 3],
    ["YQ==\nx", 5],
  ])("%j is illegal at %i", (text, at) => {
    expect(decodeBase64(bytes(text))).toEqual({ ok: false, error: at });
  });

  it.each([
    ["Y\r\nQ==\n", [97]],
    ["YR==", [97]],
    ["", []],
    ["\n", []],
    ["/+8=", [255, 239]],
  ])("%j is read", (text, expected) => {
    expect(decodeBase64(bytes(text))).toEqual({ ok: true, value: Uint8Array.from(expected) });
  });

  test("is what Node writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (value) => {
        const text = Buffer.from(value).toString("base64");
        expect(decodeBase64(bytes(text))).toEqual({ ok: true, value });
      }),
    );
  });
});
