/** Answers without what two stores can never share: ids, terms, sizes, clocks. */
import type { Answer } from "./exchange.ts";

const MASKS: readonly (readonly [RegExp, string])[] = [
  [
    /"(cluster_id|member_id|raft_term|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse)":"\d+"/g,
    '"$1":N',
  ],
  [/"leader":"\d+"/g, '"leader":N'],
  [/"version":"\d+\.[^"]*"/g, '"version":V'],
  [/"etcdserver":"[^"]*","etcdcluster":"[^"]*"/g, "VERSIONS"],
  [/"hash":\d+/g, '"hash":N'],
  [/"token":"[^"]+"/g, '"token":T'],
  // Each member hashes what it has applied itself.
  [/"revision":"\d+","raft_term":N\},"hash":N/g, '"revision":N,"raft_term":N},"hash":N'],
  // What is left of a lease depends on the clock.
  [/"TTL":"\d+","grantedTTL"/g, '"TTL":N,"grantedTTL"'],
  // Ids of leases that the store chose.
  [/"(ID|lease)":"\d{13,}"/g, '"$1":N'],
  [/"members":\[.*\]/g, '"members":M'],
];

/** Keys of locks and elections end in the id of a lease; these ids are the store's choice, too. */
const LEASE_KEY = /^(.*\/)[0-9a-f]{12,16}$/s;

export function comparableText(text: string): string {
  return MASKS.reduce((masked, [pattern, mark]) => masked.replace(pattern, mark), text).replace(
    /"key":"([^"]{16,})"/g,
    (field, base64: string) => {
      const name = LEASE_KEY.exec(Buffer.from(base64, "base64").toString("latin1"))?.[1];
      return name === undefined ? field : `"key":"KEY OF ${name}"`;
    },
  );
}

/** Lists that etcd has in no order. */
function inOrder(text: string): string {
  return text.replace(/"(keys|alarms|errors)":\[([^\]]*)\]/g, (_, name: string, items: string) => {
    const sorted = items.split(/,(?=["{])/).sort();
    return `"${name}":[${sorted.join()}]`;
  });
}

/** Whoever waits for a lock has been told status 200 already when the deadline comes. */
const WAITED_IN_VAIN = "waited in vain";

export function comparableAnswer(answer: Answer | null, mayWait: boolean): string {
  if (answer === null) return mayWait ? WAITED_IN_VAIN : "no answer";
  if (mayWait && answer.text.includes("context deadline exceeded")) return WAITED_IN_VAIN;
  return `${answer.status} ${answer.type} ${inOrder(comparableText(answer.text))}`;
}
