/** The gateway, or something before it, has no sessions: calls go by themselves. */
export class SessionsNotOffered extends Error {
  override readonly name = "SessionsNotOffered";
  /** HTTP's; 0 if it answered otherwise. */
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${url} offers no sessions: HTTP ${status}`);
    this.status = status;
  }
}

/** The session took no more calls: this one was not begun, and may be made anywhere. */
export class SessionEnded extends Error {
  override readonly name = "SessionEnded";

  constructor() {
    super("the session has ended");
  }
}
