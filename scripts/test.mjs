/**
 * `npm test`: everything that must be green, cheapest first, stopping at the first failure. CI runs
 * exactly this. `npm run check` (--static) leaves the tests out. Further arguments go to vitest.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensureInstalled, pinnedNode, root } from "./lib/install.mjs";

/** name, what it checks, [tool, ...arguments], what to do when it fails. The tools are run by the pinned Node. */
const CHECKS = [
  {
    name: "format and lint",
    tool: ["@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
    repair: "npm run fix   (mends what can be mended)",
  },
  typeCheck("core", "pure folders, without platform types"),
  typeCheck("worker", "the Worker and its test entries"),
  typeCheck("node", "tests and scripts"),
  {
    name: "promises and purity",
    tool: ["oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
    repair: "npx oxlint --type-aware   (the rules are in .oxlintrc.json)",
  },
  {
    name: "layers",
    tool: ["dependency-cruiser/bin/dependency-cruise.mjs", "-c", ".dependency-cruiser.cjs", "src"],
    repair: "npx depcruise -c .dependency-cruiser.cjs src   (the import direction is in that file)",
  },
  {
    name: "house rules",
    script: "scripts/tidy/main.ts",
    repair: "node_modules/.bin/node scripts/tidy/main.ts",
  },
  {
    name: "dead code",
    tool: ["knip/bin/knip.js", "--no-progress"],
    repair: "npx knip   (remove what nobody uses)",
  },
  {
    name: "bundle",
    tool: ["wrangler/wrangler-dist/cli.js", "deploy", "--dry-run"],
    repair: "npx wrangler deploy --dry-run",
    detail: (output) => /gzip: *([\d.]+ *\w+)/.exec(output)?.[1]?.concat(" compressed") ?? "",
  },
];

const env = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH}`,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: join(root, ".wrangler", "logs"),
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

const rest = process.argv.slice(2);
const staticOnly = rest.includes("--static");
ensureInstalled();
for (const check of CHECKS) runCheck(check);
if (staticOnly) console.log("all static checks passed");
else runTests(rest);

function typeCheck(name, what) {
  const config = `tsconfig.${name}.json`;
  return {
    name: `types: ${name} (${what})`,
    tool: ["typescript/bin/tsc", "-p", config],
    repair: `npx tsc -p ${config}`,
  };
}

function runCheck({ name, tool, script, repair, detail = () => "" }) {
  const started = Date.now();
  const [program, ...args] =
    script === undefined ? [join("node_modules", tool[0]), ...tool.slice(1)] : [script];
  const { status, stdout, stderr, error } = spawnSync(pinnedNode, [program, ...args], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const output = `${stdout ?? ""}${stderr ?? ""}`;
  if (status !== 0) {
    console.log(output.trimEnd());
    if (error !== undefined) console.log(error.message);
    stop(name, started, repair);
  }
  verdict("ok", name, started, detail(output));
}

function runTests(args) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), "edged-test-"));
  const report = join(folder, "report.json");
  const vitest = join("node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(pinnedNode, [vitest, "run", ...reporters, ...args], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const counts = readCounts(report);
  rmSync(folder, { recursive: true, force: true });
  if (counts === null) stop("tests", started, "npx vitest run");
  const failed = status === 0 ? counts.failed : Math.max(counts.failed, 1);
  verdict(failed === 0 ? "ok" : "FAILED", "tests", started);
  for (const file of counts.files) console.log(`  again: npx vitest run ${file}`);
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(`${counts.passed} passed, ${failed} failed`);
}

/** How many tests passed and failed, and in which files; null when vitest did not come so far. */
function readCounts(path) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, "utf8"));
    const files = testResults
      .filter(({ status }) => status === "failed")
      .map(({ name }) => name.slice(root.length + 1));
    // A file that does not even load has no tests that could fail.
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === "failed" && !assertionResults.some((test) => test.status === "failed"),
    );
    return { passed: numPassedTests, failed: numFailedTests + broken.length, files };
  } catch {
    return null;
  }
}

function verdict(word, name, started, detail = "") {
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${word.padEnd(6)} ${name}${detail === "" ? "" : `: ${detail}`} (${seconds} s)`);
}

function stop(name, started, repair) {
  verdict("FAILED", name, started);
  console.log(`  again: ${repair}`);
  // The same last line as after the tests, for whoever reads only that.
  console.log("0 passed, 1 failed");
  process.exit(1);
}
