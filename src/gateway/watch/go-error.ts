import { ERRORS, GRPC_CODE, isErrorKey } from "../../wire/errors.ts";

/** How etcd, a Go program, words a refusal where it is part of a message. */
export function goError(error: string): string {
  if (!isErrorKey(error)) return error;
  const { code, message } = ERRORS[error];
  const [name] = Object.entries(GRPC_CODE).find(([, number]) => number === code) ?? ["unknown"];
  return `rpc error: code = ${name.charAt(0).toUpperCase()}${name.slice(1)} desc = ${message}`;
}
