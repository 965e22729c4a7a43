/** Spans of keys that can be asked which of them hold a key, without looking at all the others. */
import { compareBytes } from "../../base/bytes.ts";
import type { Span } from "../interval.ts";

interface Node<T> {
  readonly span: Span;
  readonly items: Set<T>;
  readonly priority: number;
  left: Node<T> | null;
  right: Node<T> | null;
  /** The highest end below this node, itself included; null: one of them is open. */
  maxEnd: Uint8Array | null;
}

/** A treap in the order of the spans' beginnings, each node knowing how far its subtree reaches. */
export class SpanTree<T> {
  #root: Node<T> | null = null;
  #priority = 0x2545_f491;

  add(span: Span, item: T): void {
    const found = this.#find(span);
    if (found !== null) {
      found.items.add(item);
      return;
    }
    const node: Node<T> = {
      span,
      items: new Set([item]),
      priority: this.#nextPriority(),
      left: null,
      right: null,
      maxEnd: span.end,
    };
    const [left, right] = split(this.#root, span);
    this.#root = merge(merge(left, node), right);
  }

  remove(span: Span, item: T): void {
    const found = this.#find(span);
    if (found === null || !found.items.delete(item) || found.items.size > 0) return;
    this.#root = without(this.#root, span);
  }

  /** Calls `visit` with every item whose span holds `key`. */
  match(key: Uint8Array, visit: (item: T) => void): void {
    const walk = (node: Node<T> | null): void => {
      if (node === null || (node.maxEnd !== null && compareBytes(node.maxEnd, key) <= 0)) return;
      walk(node.left);
      if (compareBytes(node.span.from, key) > 0) return;
      const { end } = node.span;
      if (end === null || compareBytes(key, end) < 0) for (const item of node.items) visit(item);
      walk(node.right);
    };
    walk(this.#root);
  }

  #find(span: Span): Node<T> | null {
    let node = this.#root;
    while (node !== null) {
      const order = compareSpans(span, node.span);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return null;
  }

  /** Any sequence without a pattern keeps the tree flat; this one is a xorshift. */
  #nextPriority(): number {
    let x = this.#priority;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#priority = x;
    return x;
  }
}

function compareSpans(a: Span, b: Span): number {
  const order = compareBytes(a.from, b.from);
  return order !== 0 ? order : compareEnds(a.end, b.end);
}

/** Null is behind everything. */
function compareEnds(a: Uint8Array | null, b: Uint8Array | null): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
  return compareBytes(a, b);
}

function update<T>(node: Node<T>): Node<T> {
  let end = node.span.end;
  for (const child of [node.left, node.right]) {
    if (child !== null && compareEnds(child.maxEnd, end) > 0) end = child.maxEnd;
  }
  node.maxEnd = end;
  return node;
}

/** The nodes before `span`, and those after it. It is not in the tree itself. */
function split<T>(node: Node<T> | null, span: Span): [Node<T> | null, Node<T> | null] {
  if (node === null) return [null, null];
  if (compareSpans(node.span, span) < 0) {
    const [left, right] = split(node.right, span);
    node.right = left;
    return [update(node), right];
  }
  const [left, right] = split(node.left, span);
  node.left = right;
  return [left, update(node)];
}

/** One tree of two, all of `a` before all of `b`. */
function merge<T>(a: Node<T> | null, b: Node<T> | null): Node<T> | null {
  if (a === null) return b;
  if (b === null) return a;
  if (a.priority > b.priority) {
    a.right = merge(a.right, b);
    return update(a);
  }
  b.left = merge(a, b.left);
  return update(b);
}

function without<T>(node: Node<T> | null, span: Span): Node<T> | null {
  if (node === null) return null;
  const order = compareSpans(span, node.span);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = without(node.left, span);
  else node.right = without(node.right, span);
  return update(node);
}
