/**
 * Every bound of the system, with its unit in the name. Values are etcd's where etcd has one; the
 * others follow from the platform (2 MB a row, 32 MiB a call, 128 MB an isolate) or say why.
 */
import { assert } from "./assert.ts";

export const LIMITS = {
  /** etcd's `--max-request-bytes`: an encoded request above it is "request is too large". */
  requestBytesMax: 1_572_864,
  /** etcd's gRPC receive limit: above it the request is refused before it is read. */
  receiveBytesMax: 2 * 1024 * 1024,
  /** Bytes of a refused request body that are read and thrown away, so that the client hears the refusal. */
  discardBytesMax: 100 * 1024 * 1024,
  /** How long that may take, and how long nothing may come meanwhile. */
  discardMsMax: 60_000,
  /** The same for a body that does not tell its length: it may be a stream that its client keeps open. */
  discardStreamMsMax: 5_000,
  discardIdleMs: 2_000,
  /** etcd's `--max-txn-ops`. */
  txnOpsMax: 128,
  /** Bytes of a JSON request: above what 2 MiB of protobuf take as base64, so that etcd's own limit speaks. */
  jsonBodyBytesMax: 8 * 1024 * 1024,
  /** Objects, arrays and list items of one JSON request: what is read of it stays far below an isolate's memory. */
  jsonPartsMax: 262_144,
  /** Levels of one request: transactions nest to `txnOpsMax`, two levels each, and hold operations. */
  messageDepthMax: 264,
  /** Keys are small in nearly every use of etcd; a bound keeps index pages and peer messages sane. */
  keyBytesMax: 128 * 1024,
  /** Voters and learners of one cluster. Raft groups above 9 only lose. */
  membersMax: 9,
  /** Members that learn and do not vote: etcd's bound. */
  learnersMax: 1,
  /** Former members that are remembered, so that one that comes back is told. */
  formerMembersMax: 128,
  /** Log entries that a learner may be behind its leader when it becomes a voter. */
  learnerLagEntriesMax: 64,
  /** Changes of members that wait for another one to end. */
  memberChangesWaitingMax: 16,
  /** Bytes of one log row. Durable Object SQLite refuses rows above 2 MB. */
  entryBytesMax: 1_900_000,
  /** Bytes of small commands that share a log row, which is to fit a page of 4 KiB, and how many they may be. */
  logRowBytesMax: 3_900,
  logRowEntriesMax: 64,
  /** A batch is closed at this size; one larger command still travels, alone. */
  batchBytesTarget: 512 * 1024,
  /** Commands in one log entry. */
  batchCommandsMax: 512,
  /** With batches in flight, another goes out only when this many commands wait for it. */
  pipelineCommandsMin: 32,
  /** Client writes a leader holds that are not yet in a log entry. */
  proposalsQueuedMax: 8_192,
  proposalsQueuedBytesMax: 16 * 1024 * 1024,
  /** Reads waiting for a read index on one replica. */
  readsWaitingMax: 8_192,
  /** How old an answer may be that says how old it may be: with more, whoever asks wants any. */
  maxStalenessMsMax: 3_600_000,
  /** Calls that one call between gateway and replica carries, and the bytes of their requests but for the first. */
  manyCallsMax: 512,
  manyRequestBytesMax: 1024 * 1024,
  /** Bytes of the answers to reads that came together. */
  manyAnswersBytesMax: 8 * 1024 * 1024,
  /** Per follower: appends sent and not yet acknowledged. */
  inflightMessagesMax: 64,
  inflightBytesMax: 4 * 1024 * 1024,
  /** Bytes of entries in one append message. */
  appendBytesMax: 1024 * 1024,
  /** Log entries the leader holds uncommitted; above it proposals are refused (ResourceExhausted). */
  uncommittedBytesMax: 16 * 1024 * 1024,
  /** Bytes of a stored log above which it is cut, however few entries it has. */
  logBytesMax: 64 * 1024 * 1024,
  /** The newest entries kept in memory so that replication rarely reads them back. */
  logCacheBytesMax: 8 * 1024 * 1024,
  /** Entries applied in one turn; the rest follows in the next. */
  applyEntriesPerTurnMax: 64,
  applyBytesPerTurnMax: 4 * 1024 * 1024,
  /** Bytes of one snapshot chunk pulled by a follower. */
  snapshotChunkBytesMax: 512 * 1024,
  /** Snapshot sessions a leader keeps open at once (one a lagging follower). */
  snapshotSessionsMax: 8,
  /** The newest writes whose operation ids are remembered, so that a retry is applied once. */
  dedupOperationsMax: 16_384,
  /** Bytes of a remembered answer; a longer one is remembered as "applied" without its body. */
  dedupAnswerBytesMax: 4_096,
  /** Alarms at a time: a member has one of each kind, but etcd lets clients name any member. */
  alarmsMax: 128,
  /** Bytes of keys and values that one call adds to a hash: some 20 ms of work. */
  hashSliceBytesMax: 2 * 1024 * 1024,
  /** Backups that one replica sends at a time: each keeps rows from being deleted. */
  backupSessionsMax: 4,
  /** Bytes of a part of a backup: one log entry when it is restored. */
  backupSliceBytesMax: 512 * 1024,
  /** Bytes of the newest versions that a replica remembers, and of a key and a value that are. */
  newestVersionsBytesMax: 1024 * 1024,
  newestKeyBytesMax: 256,
  newestValueBytesMax: 4_096,
  /** Keys in one page of `GET /kv/?prefix=`. */
  listKeysMax: 10_000,
  /** Bytes of keys and values in one page of an answer. */
  pageBytesMax: 4 * 1024 * 1024,
  /** Keys read by one statement; a page may end earlier by its bytes. */
  pageKeysMax: 1_024,
  /** Keys looked at for one page, however few of them pass the filters. */
  pageScanKeysMax: 16_384,
  /** Bytes of keys and values in one whole answer: it must fit a call between objects and its copies an isolate. */
  answerBytesMax: 24 * 1024 * 1024,
  /** Bytes of remembered answers that share the row of counters, which is to fit a page, before they get one. */
  dedupRecentBytesMax: 2_048,
  /** Bytes of the remembered answers of one log entry: with the recent ones before them they are one row. */
  dedupEntryBytesMax: 1024 * 1024,
  /** Watch calls that wait on one replica, and the ranges of all of them. */
  watchersWaitingMax: 8_192,
  watchRangesWaitingMax: 131_072,
  /** Watches of one stream, which are the ranges of one call. */
  watchRangesMax: 1_024,
  /** Versions looked at for one call; what is left follows with the next. */
  watchScanRowsMax: 4_096,
  /** Versions looked at for those who wait; after more they are sent to ask again. */
  watchNotifyRowsMax: 65_536,
  /** Bytes of events that one turn hands to those who wait; the others are sent to ask again. */
  watchNotifyBytesMax: 32 * 1024 * 1024,
  /** Bytes of events in one answer to a watch call; any one put fits. */
  watchBytesMax: 2 * 1024 * 1024,
  /** Bytes of one revision's events that a gateway holds to tell them at once. */
  watchRevisionBytesMax: 8 * 1024 * 1024,
  /** Bytes of one message from a watcher. */
  watchRequestBytesMax: 1024 * 1024,
  /** Messages from a watcher that wait to be acted upon. */
  watchRequestsMax: 1_024,
  /** Calls for one stream: the platform allows 10,000 an invocation. The stream ends, its client comes again. */
  watchCallsMax: 9_000,
  /** Users, and roles, of one cluster: they are listed in one answer. */
  authUsersMax: 16_384,
  authRolesMax: 16_384,
  /** Bytes of a user's or role's name. */
  authNameBytesMax: 1_024,
  /** Bytes of one user with its roles, or one role with its permissions: one row. */
  authRecordBytesMax: 512 * 1024,
  /** Tokens that are valid at once; one more displaces the oldest, the same user's first. */
  tokensMax: 8_192,
  tokensPerUserMax: 1_024,
  /** How long a token is valid, counted from its last use: etcd's `--auth-token-ttl`. */
  tokenTtlMs: 300_000,
  /** Passwords that one isolate hashes at the same time, which takes tens of milliseconds each. */
  passwordsHashedMax: 2,
  passwordsWaitingMax: 64,
  /** Users whose permissions are kept merged in memory. */
  permissionsCachedMax: 1_024,
  /** etcd's bounds of a lease's time, in seconds; the lower one is what an election takes there. */
  leaseTtlSecondsMin: 2,
  leaseTtlSecondsMax: 9_000_000_000,
  /** Leases of one cluster: their leader holds the time of each in memory, some 200 bytes. */
  leasesMax: 131_072,
  /** Leases a new leader reads at a time, while it goes on serving. */
  leasesLoadedPerTurn: 1_024,
  /** Expired leases that are revoked at once, and how long until the next ones are: etcd's 500 a second. */
  leaseRevokesMax: 250,
  leaseRevokePauseMs: 500,
  /** Calls in flight in one session, and the bytes of their requests. */
  sessionCallsMax: 1_024,
  sessionRequestBytesMax: 16 * 1024 * 1024,
  /** Bytes of one message from the client of a session: any request with its frame fits. */
  sessionMessageBytesMax: 4 * 1024 * 1024,
  /** Bytes of answers that a session has sent and its client has not taken. */
  sessionUntakenBytesMax: 8 * 1024 * 1024,
  /** Bytes of a message to the client after which another one begins. */
  sessionAnswersBytesTarget: 512 * 1024,
  /** Messages in one session that were not understood; after more it ends. */
  sessionProblemsMax: 1_024,
  /** Users' tokens whose digests a session remembers. */
  sessionTokensMax: 256,
  /** Calls of one session to replicas: the platform allows 10,000 a request, and calls in flight need some still. */
  sessionReplicaCallsMax: 8_000,
  /** How long a session lasts, and how long without calls. */
  sessionAgeMsMax: 3_600_000,
  sessionIdleMs: 60_000,
  /** A client that takes no answers for so long has gone. */
  sessionStalledMs: 60_000,
  /** How long calls in flight may take once a session ends. */
  sessionDrainMs: 30_000,
  /** Leases in one checkpoint. */
  leaseCheckpointsMax: 1_000,
  /** Leases that are noted in the log by a leader that comes back without its memory. */
  leaseRestsNotedMax: 128,
} as const;

assert(LIMITS.requestBytesMax < LIMITS.entryBytesMax, "a maximal request must fit a log row");
assert(LIMITS.batchBytesTarget <= LIMITS.entryBytesMax, "a batch must fit a log row");
assert(LIMITS.appendBytesMax <= LIMITS.inflightBytesMax, "one append must fit the window");
