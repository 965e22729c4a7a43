/** A gateway that gave no answer of its own: the connection failed or ended too soon, or a proxy spoke. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(url: string, cause: unknown) {
    super(`${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
