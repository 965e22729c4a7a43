// @ts-check
/** Shell completion, made from the commands themselves. */

/** @typedef {import("commander").Command} Command */

/** @typedef {"bash" | "zsh" | "fish"} Shell */
export const SHELLS = /** @type {const} */ (["bash", "zsh", "fish"]);

/**
 * @param {Command} program
 * @param {Shell} shell
 */
export function completion(program, shell) {
  const entries = [...entriesOf(program, "")];
  if (shell === "fish") return fish(program, entries);
  const script = bash(entries);
  return shell === "bash" ? script : `#compdef edged\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

/**
 * @typedef {object} Entry
 * @property {string} path the words before, as "lease " or ""
 * @property {readonly { name: string, description: string }[]} commands
 * @property {readonly string[]} flags
 */

/**
 * @param {Command} command
 * @param {string} path
 * @returns {Generator<Entry>}
 */
function* entriesOf(command, path) {
  const commands = command.commands.map((sub) => ({ name: sub.name(), description: sub.description() }));
  const flags = command.options.map(({ long }) => long ?? "").filter((flag) => flag !== "");
  yield { path, commands, flags };
  for (const sub of command.commands)
    yield* entriesOf(sub, path === "" ? sub.name() : `${path} ${sub.name()}`);
}

/** @param {readonly Entry[]} entries */
function bash(entries) {
  const [root] = entries;
  const cases = entries.map(({ path, commands, flags }) => {
    const words = [...commands.map(({ name }) => name), ...flags, "--help"].join(" ");
    return `    "${path}") words="${words}" ;;`;
  });
  const paths = entries.map(({ path }) => path).filter((path) => path !== "");
  return `# edged completion bash|zsh: put  source <(edged completion bash)  into ~/.bashrc
_edged() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [ "$word" = "--" ] && return
    case "|${paths.join("|")}|" in
      *"|\${path:+$path }$word|"*) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  [ -n "$path" ] && case "$current" in -*) words="$words ${(root?.flags ?? []).join(" ")}" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _edged edged
`;
}

/**
 * @param {Command} program
 * @param {readonly Entry[]} entries
 */
function fish(program, entries) {
  const lines = entries.flatMap(({ path, commands, flags }) => {
    const names = commands.map(({ name }) => name);
    const seen = path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
    const notYet = names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(" ")}`];
    const condition = path === "" ? "__fish_use_subcommand" : [...seen, ...notYet].join("; and ");
    return [
      ...commands.map(
        ({ name, description }) =>
          `complete -c edged -f -n '${condition}' -a ${name} -d '${description.replaceAll("'", "\\'")}'`,
      ),
      ...(path === "" ? [] : flags.map((flag) => `complete -c edged -n '${condition}' -l ${flag.slice(2)}`)),
    ];
  });
  const global = program.options.map(
    ({ long, description }) =>
      `complete -c edged -l ${(long ?? "").slice(2)} -d '${description.replaceAll("'", "\\'")}'`,
  );
  return `# edged completion fish > ~/.config/fish/completions/edged.fish\n${[...lines, ...global].join("\n")}\n`;
}
