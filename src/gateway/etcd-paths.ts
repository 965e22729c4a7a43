import { rawPath } from "./key-path.ts";

const ETCD_PATH = /^(?:\/clusters\/[^/]*)?\/(?:health|livez|readyz|version|metrics|v3|v3beta)(?:\/|$)/;

/** Headers of etcd's answers in plain text. */
export const ETCD_TEXT = {
  "Content-Type": "text/plain; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Whether a path is etcd's own, where errors outside of handlers look as etcd's: plain text. */
export function isEtcdPath(request: Request): boolean {
  return ETCD_PATH.test(rawPath(request));
}
