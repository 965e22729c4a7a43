/** Something that runs and can be loaded. */
export interface Subject extends AsyncDisposable {
  /** Base URLs; clients are spread over them. */
  readonly urls: readonly string[];
  /** The processes that do its work, for the CPU time they take. */
  readonly pids: readonly number[];
}
