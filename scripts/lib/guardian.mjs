/**
 * Ends processes whose starter was killed so hard (SIGKILL) that it could not end them itself: a
 * shell that waits for the end of its standard input, which the operating system closes with the
 * starter, and then kills. Without it an orphaned workerd would hold its port for ever.
 */
import { spawn } from "node:child_process";

// A process id may have been given away by then, so the name is looked at first (where ps exists).
const KILL_PROCESS = `cat >/dev/null
case "$(ps -o comm= -p "$1" 2>/dev/null || echo workerd)" in *workerd*) kill -s KILL "$1" 2>/dev/null;; esac`;

const KILL_GROUP = `cat >/dev/null
kill -s KILL -- "-$1" 2>/dev/null`;

/** Kills the workerd with this process id as soon as the calling process has ended, however it ended. */
export function guardProcess(/** @type {number} */ pid) {
  return guard(KILL_PROCESS, pid);
}

/** The same for a whole process group, given by its leader's id. */
export function guardGroup(/** @type {number} */ leaderPid) {
  return guard(KILL_GROUP, leaderPid);
}

function guard(/** @type {string} */ script, /** @type {number} */ pid) {
  if (process.platform === "win32") return;
  const shell = spawn("sh", ["-c", script, "edged-guardian", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // Away from the terminal, so that Ctrl-C does not end the guardian first.
    detached: true,
  });
  shell.on("error", (error) => console.error(`edged: no guardian for ${pid}: ${error.message}`));
  shell.unref();
  // The pipe alone must not keep the starter alive either.
  const pipe = /** @type {import("node:net").Socket} */ (shell.stdin);
  pipe.on("error", () => {});
  pipe.unref();
}
