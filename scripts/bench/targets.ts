/** What `npm run bench` compares. */
import type { Client } from "./drive.ts";
import { type GrpcRequest, grpcClient } from "./grpc-client.ts";
import { type HttpRequest, httpClient } from "./http-client.ts";
import {
  grpcGet,
  grpcPut,
  jsonGet,
  jsonPut,
  jsonTxn,
  noop,
  plainGet,
  plainPut,
  type RequestOf,
} from "./requests.ts";
import { sessionClients } from "./session-clients.ts";
import type { Subject } from "./subjects/subject.ts";

/** What has to run for a target. */
export type SubjectName = "one" | "processes" | "etcd" | "bridge";

export interface Target {
  /** Unique, and what `--only` looks at. */
  readonly id: string;
  readonly group: string;
  /** For people, below the name of its group. */
  readonly name: string;
  readonly subject: SubjectName;
  /** So many clients. */
  readonly open: (subject: Subject, count: number) => readonly Client[];
}

type Open = Target["open"];

/** Each client has a connection of its own; they are spread over the members that serve. */
function overHttp(requestOf: RequestOf<HttpRequest>): Open {
  return spread((url, connection) => httpClient(url, (n) => requestOf(connection, n)));
}

function overGrpc(requestOf: RequestOf<GrpcRequest>): Open {
  return spread((url, connection) => grpcClient(url, (n) => requestOf(connection, n)));
}

function spread(open: (url: string, connection: number) => Client): Open {
  return ({ urls }, count) =>
    Array.from({ length: count }, (_, connection) => {
      const url = urls[connection % urls.length];
      if (url === undefined) throw new Error("a subject has at least one URL");
      return open(url, connection);
    });
}

/** All clients share one session with the first member: what it is for. */
function overSession(requestOf: RequestOf<GrpcRequest>): Open {
  return ({ urls: [url] }, count) => {
    if (url === undefined) throw new Error("a subject has at least one URL");
    return sessionClients(url, count, requestOf);
  };
}

/** edged's own dialect, then etcd's JSON. */
function ourTargets(subject: "one" | "processes", group: string, value: Buffer): readonly Target[] {
  const target = (id: string, name: string, open: Open): Target => ({
    id: `${subject}-${id}`,
    group,
    name,
    subject,
    open,
  });
  return [
    target("put", "put", overHttp(plainPut("/kv", value))),
    target("get", "linearizable get", overHttp(plainGet("/kv"))),
    target("serializable", "serializable get", overHttp(plainGet("/kv", "?consistency=serializable"))),
    target("json-put", "put, etcd's JSON", overHttp(jsonPut(value))),
    target("json-get", "linearizable get, etcd's JSON", overHttp(jsonGet(false))),
    target("json-serializable", "serializable get, etcd's JSON", overHttp(jsonGet(true))),
    target("json-txn", "txn, etcd's JSON", overHttp(jsonTxn(value))),
  ];
}

function plainTargets(value: Buffer): readonly Target[] {
  const [subject, group] = ["one", "one plain Durable Object with SQLite"] as const;
  return [
    { id: "plain-put", group, name: "put", subject, open: overHttp(plainPut("/plain", value)) },
    { id: "plain-get", group, name: "get", subject, open: overHttp(plainGet("/plain")) },
    { id: "noop", group, name: "call that does nothing", subject, open: overHttp(noop()) },
  ];
}

function etcdTargets(value: Buffer): readonly Target[] {
  const [subject, group] = ["etcd", "etcd, three members, its JSON gateway"] as const;
  return [
    { id: "etcd-json-put", group, name: "put", subject, open: overHttp(jsonPut(value)) },
    { id: "etcd-json-get", group, name: "linearizable get", subject, open: overHttp(jsonGet(false)) },
    { id: "etcd-json-serializable", group, name: "serializable get", subject, open: overHttp(jsonGet(true)) },
    { id: "etcd-json-txn", group, name: "txn", subject, open: overHttp(jsonTxn(value)) },
  ];
}

function grpcTargets(value: Buffer): readonly Target[] {
  const ours = "edged's gRPC bridge, three replicas in one workerd";
  const session = "edged's session (one WebSocket), three replicas in one workerd";
  const theirs = "etcd, three members, gRPC";
  const [puts, gets] = [grpcPut(value), grpcGet()];
  const [put, get] = [overGrpc(puts), overGrpc(gets)];
  return [
    { id: "session-put", group: session, name: "put", subject: "one", open: overSession(puts) },
    { id: "session-get", group: session, name: "linearizable get", subject: "one", open: overSession(gets) },
    { id: "bridge-put", group: ours, name: "put", subject: "bridge", open: put },
    { id: "bridge-get", group: ours, name: "linearizable get", subject: "bridge", open: get },
    { id: "etcd-grpc-put", group: theirs, name: "put", subject: "etcd", open: put },
    { id: "etcd-grpc-get", group: theirs, name: "linearizable get", subject: "etcd", open: get },
  ];
}

/** All of them, for values of so many bytes. */
export function allTargets(valueBytes: number): readonly Target[] {
  const value = Buffer.alloc(valueBytes, "v");
  return [
    ...ourTargets("one", "edged, three replicas in one workerd", value),
    ...ourTargets("processes", "edged, three processes", value),
    ...plainTargets(value),
    ...etcdTargets(value),
    ...grpcTargets(value),
  ];
}
