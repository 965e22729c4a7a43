/** Which keys a request means. A span with `end` null goes to the end of the keyspace. */
export type Interval =
  | { readonly kind: "key"; readonly key: Uint8Array }
  | { readonly kind: "span"; readonly from: Uint8Array; readonly end: Uint8Array | null };

export type Span = Extract<Interval, { kind: "span" }>;

/** etcd's rule: no `rangeEnd` is the single key, one zero byte is open, else it is the exclusive end. */
export function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): Interval {
  if (rangeEnd.length === 0) return { kind: "key", key };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { kind: "span", from: key, end: null };
  return { kind: "span", from: key, end: rangeEnd };
}

/** The lowest key above `key`. */
export function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
