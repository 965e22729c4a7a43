/**
 * Every refusal edged can answer, with etcd's exact text, gRPC code and the HTTP status that etcd's
 * gateway derives from the code. The key is the stable name; it travels between replicas and into
 * the memory of operations, so keys are never renamed.
 * Source: etcd `api/v3rpc/rpctypes/error.go`; statuses as recorded from etcd 3.4.
 */

/** gRPC status codes that occur here, by their canonical names. */
export const GRPC_CODE = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type GrpcCode = (typeof GRPC_CODE)[keyof typeof GRPC_CODE];

/** What a client sees of one refusal. */
export interface WireError {
  /** gRPC status code. */
  readonly code: GrpcCode;
  /** HTTP status of the JSON gateway. */
  readonly status: number;
  /** etcd's exact text. */
  readonly message: string;
}

/** The HTTP status etcd's JSON gateway gives for a gRPC code (9 is 412 and 11 is 400, as in 3.4). */
export const HTTP_STATUS: Readonly<Record<GrpcCode, number>> = {
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  7: 403,
  8: 429,
  9: 412,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
};

function entry(code: GrpcCode, message: string): WireError {
  return { code, status: HTTP_STATUS[code], message };
}

const { unknown, invalidArgument, notFound, failedPrecondition, outOfRange, unavailable } = GRPC_CODE;

export const ERRORS = {
  // Requests that are wrong by themselves.
  emptyKey: entry(invalidArgument, "etcdserver: key is not provided"),
  keyNotFound: entry(invalidArgument, "etcdserver: key not found"),
  valueProvided: entry(invalidArgument, "etcdserver: value is provided"),
  leaseProvided: entry(invalidArgument, "etcdserver: lease is provided"),
  tooManyOps: entry(invalidArgument, "etcdserver: too many operations in txn request"),
  duplicateKey: entry(invalidArgument, "etcdserver: duplicate key given in txn request"),
  requestTooLarge: entry(invalidArgument, "etcdserver: request is too large"),
  keyTooLarge: entry(invalidArgument, "etcdserver: key is too large"),
  invalidSortOption: entry(invalidArgument, "etcdserver: invalid sort option"),
  invalidCommand: entry(invalidArgument, "etcdserver: the request says nothing"),
  /** edged's own: the whole answer would not fit. */
  answerTooLarge: entry(
    GRPC_CODE.resourceExhausted,
    "etcdserver: answer is too large, ask for less with limit or keys_only",
  ),
  // The store's history.
  compacted: entry(outOfRange, "etcdserver: mvcc: required revision has been compacted"),
  futureRevision: entry(outOfRange, "etcdserver: mvcc: required revision is a future revision"),
  noSpace: entry(GRPC_CODE.resourceExhausted, "etcdserver: mvcc: database space exceeded"),
  // Leases.
  leaseNotFound: entry(notFound, "etcdserver: requested lease not found"),
  leaseExists: entry(failedPrecondition, "etcdserver: lease already exists"),
  leaseTtlTooLarge: entry(outOfRange, "etcdserver: too large lease TTL"),
  // Members.
  memberNotFound: entry(notFound, "etcdserver: member not found"),
  memberExists: entry(failedPrecondition, "etcdserver: member ID already exist"),
  peerUrlExists: entry(failedPrecondition, "etcdserver: Peer URLs already exists"),
  badMemberUrls: entry(invalidArgument, "etcdserver: given member URLs are invalid"),
  memberNotEnoughStarted: entry(
    failedPrecondition,
    "etcdserver: re-configuration failed due to not enough started members",
  ),
  memberNotLearner: entry(failedPrecondition, "etcdserver: can only promote a learner member"),
  learnerNotReady: entry(
    failedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ),
  /** edged's own: etcd has no bound. */
  tooManyMembers: entry(failedPrecondition, "etcdserver: too many members in cluster"),
  tooManyLearners: entry(failedPrecondition, "etcdserver: too many learner members in cluster"),
  badLeaderTransferee: entry(failedPrecondition, "etcdserver: bad leader transferee"),
  leaderTransferTimeout: entry(unknown, "etcdserver: request timed out, leader transfer took too long"),
  // Backups, which etcd restores without a server.
  backupLost: entry(unavailable, "etcdserver: the snapshot was interrupted, ask for another one"),
  restoring: entry(unavailable, "etcdserver: a snapshot is being restored"),
  restoreNotEmpty: entry(
    failedPrecondition,
    "etcdserver: a snapshot can be restored in an empty cluster only",
  ),
  restoreOrder: entry(failedPrecondition, "etcdserver: a part of the snapshot before this one is missing"),
  invalidBackup: entry(invalidArgument, "etcdserver: this is no part of a snapshot"),
  // Users and roles.
  userEmpty: entry(invalidArgument, "etcdserver: user name is empty"),
  userExists: entry(failedPrecondition, "etcdserver: user name already exists"),
  userNotFound: entry(failedPrecondition, "etcdserver: user name not found"),
  roleEmpty: entry(invalidArgument, "etcdserver: role name is empty"),
  roleExists: entry(failedPrecondition, "etcdserver: role name already exists"),
  roleNotFound: entry(failedPrecondition, "etcdserver: role name not found"),
  roleNotGranted: entry(failedPrecondition, "etcdserver: role is not granted to the user"),
  permissionNotGranted: entry(failedPrecondition, "etcdserver: permission is not granted to the role"),
  permissionNotGiven: entry(invalidArgument, "etcdserver: permission not given"),
  rootUserMissing: entry(failedPrecondition, "etcdserver: root user does not exist"),
  rootRoleMissing: entry(failedPrecondition, "etcdserver: root user does not have root role"),
  authNotEnabled: entry(failedPrecondition, "etcdserver: authentication is not enabled"),
  authFailed: entry(invalidArgument, "etcdserver: authentication failed, invalid user ID or password"),
  noPasswordUser: entry(unknown, "auth: authentication failed, password was given for no password user"),
  authOldRevision: entry(invalidArgument, "etcdserver: revision of auth store is old"),
  invalidAuthManagement: entry(invalidArgument, "etcdserver: invalid auth management"),
  invalidAuthToken: entry(GRPC_CODE.unauthenticated, "etcdserver: invalid auth token"),
  permissionDenied: entry(GRPC_CODE.permissionDenied, "etcdserver: permission denied"),
  // The service.
  noLeader: entry(unavailable, "etcdserver: no leader"),
  notLeader: entry(failedPrecondition, "etcdserver: not leader"),
  leaderChanged: entry(unavailable, "etcdserver: leader changed"),
  stopped: entry(unavailable, "etcdserver: server stopped"),
  timeout: entry(unavailable, "etcdserver: request timed out"),
  timeoutLostConnection: entry(unavailable, "etcdserver: request timed out, possibly due to connection lost"),
  timeoutLeaderFailed: entry(
    unavailable,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ),
  unhealthy: entry(unavailable, "etcdserver: unhealthy cluster"),
  tooManyRequests: entry(GRPC_CODE.resourceExhausted, "etcdserver: too many requests"),
  corrupt: entry(GRPC_CODE.dataLoss, "etcdserver: corrupt cluster"),
  deadlineExceeded: entry(GRPC_CODE.deadlineExceeded, "context deadline exceeded"),
  // Lock and election.
  electionNotLeader: entry(unknown, "election: not leader"),
  electionNoLeader: entry(unknown, "election: no leader"),
  missingLeaderKey: entry(unknown, '"leader" field must be provided'),
} as const;

/** The closed set of refusals. */
export type ErrorKey = keyof typeof ERRORS;

/** Narrows a text that came from another replica or from storage. */
export function isErrorKey(text: string): text is ErrorKey {
  return Object.hasOwn(ERRORS, text);
}
