/** The JSON answer to a range, printed pair by pair while its pages arrive. */
import { toJsonString } from "@bufbuild/protobuf";
import { validateRange } from "../../mvcc/validate.ts";
import { KeyValueSchema } from "../../wire/gen/etcd/kv_pb.ts";
import { type RangeRequest, RangeResponseSchema, ResponseHeaderSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import { type Page, RangePages } from "../range-pages.ts";
import type { V3Call } from "./call.ts";
import { answered } from "./exchange.ts";
import { printBody } from "./json-printer.ts";
import type { Printed } from "./method.ts";
import { refusedFor, rejectedRequest, unansweredRequest, type V3Refusal } from "./refusal.ts";

/** Characters of one chunk. */
const CHUNK_LENGTH = 256 * 1024;

const OPTIONS = { useProtoFieldName: true } as const;

/** The whole answer where one page holds it; refusals come with the first page only. */
export async function printRange(call: V3Call<RangeRequest>): Promise<Printed | V3Refusal> {
  const { request, services, choice, hasDeadline } = call;
  const error = validateRange(request);
  if (error !== null) return refusedFor(error);
  const pages = new RangePages(services.router, choice, request);
  const first = await pages.next();
  switch (first.kind) {
    case "page": {
      const outcome = answered(first.response, first.header);
      if (outcome.kind === "refused") return outcome;
      const body = first.isLast ? printBody(RangeResponseSchema, outcome.message) : streamOf(first, pages);
      return { kind: "printed", body, origin: first.header };
    }
    case "rejected":
      return rejectedRequest(first);
    case "failed":
      return unansweredRequest(first, hasDeadline);
  }
}

/**
 * Ends in an error where a later page cannot be had: the connection breaks then, and what was sent is no
 * whole JSON value.
 */
function streamOf(first: Page, pages: RangePages): ReadableStream<Uint8Array> {
  const pieces = printPages(first, pages);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const parts: string[] = [];
      for (let length = 0; length < CHUNK_LENGTH; ) {
        const piece = await pieces.next();
        if (piece.done === true) {
          if (parts.length > 0) controller.enqueue(encoder.encode(parts.join("")));
          controller.close();
          return;
        }
        parts.push(piece.value);
        length += piece.value.length;
      }
      controller.enqueue(encoder.encode(parts.join("")));
    },
    async cancel() {
      await pieces.return();
    },
  });
}

async function* printPages(first: Page, pages: RangePages): AsyncGenerator<string, void> {
  const { header } = first.response;
  yield header === undefined ? "{" : `{"header":${toJsonString(ResponseHeaderSchema, header, OPTIONS)},`;
  let count = 0n;
  let before = '"kvs":[';
  let page = first;
  for (;;) {
    count += page.response.count;
    for (const kv of page.response.kvs) {
      yield before + toJsonString(KeyValueSchema, kv, OPTIONS);
      before = ",";
    }
    if (page.isLast) break;
    const next = await pages.next();
    if (next.kind !== "page") {
      throw new Error(`the answer breaks off: ${next.kind === "rejected" ? next.error : next.message}`);
    }
    page = next;
  }
  const list = before === "," ? "]," : "";
  yield `${list}${page.response.more ? '"more":true,' : ""}"count":"${count}"}`;
}
