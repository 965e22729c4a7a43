import { bodyLimit } from "hono/body-limit";
import { LIMITS } from "../../base/limits.ts";
import { answerProblem } from "../problem.ts";
import { tooLarge } from "../write.ts";

/** Never reads more of a body than one request may hold. */
export const limitBody = bodyLimit({
  maxSize: LIMITS.requestBytesMax,
  onError: (c) => answerProblem(c, tooLarge(null)),
});
