const ESCAPED = /[<>&\u2028\u2029]/g;

/** JSON as Go prints it: what could end a script element of HTML is escaped. */
export function printGoJson(value: unknown): string {
  return JSON.stringify(value).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
