/** One line on a terminal that says what is being done; nothing elsewhere. */

const CLEAR_LINE = "\r\u001b[K";

export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${text.slice(0, process.stderr.columns - 1)}`);
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
}
