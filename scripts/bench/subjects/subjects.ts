/** Everything that some targets need, started together and ended together. */
import type { SubjectName } from "../targets.ts";
import { startBridgeProcess } from "./bridge-process.ts";
import { etcdVersion, startEtcd } from "./etcd-cluster.ts";
import { startLocalRuntime } from "./local-runtime.ts";
import { type ReplicaProcesses, startReplicaProcesses } from "./replica-processes.ts";
import type { Subject } from "./subject.ts";

const REPLICAS = 3;

export class Subjects implements AsyncDisposable {
  readonly #running = new Map<SubjectName, Subject>();
  /** In the order in which they were started. */
  readonly #started: Subject[] = [];
  #processes: ReplicaProcesses | null = null;
  readonly #signal: AbortSignal;
  readonly #tell: (what: string) => void;

  constructor(signal: AbortSignal, tell: (what: string) => void) {
    this.#signal = signal;
    this.#tell = tell;
  }

  /** Null when it cannot be had here. */
  get(name: SubjectName): Subject | null {
    return this.#running.get(name) ?? null;
  }

  /** The processes among them, whose members can be killed. */
  get processes(): ReplicaProcesses | null {
    return this.#processes;
  }

  async start(wanted: ReadonlySet<SubjectName>): Promise<void> {
    if (wanted.has("one") || wanted.has("bridge")) {
      this.#tell("starting three replicas in one workerd");
      const one = await this.#keep("one", startLocalRuntime({ replicas: REPLICAS }));
      if (wanted.has("bridge")) await this.#keep("bridge", startBridgeProcess(one));
    }
    if (wanted.has("processes")) {
      this.#tell("starting three processes");
      this.#processes = await this.#keep("processes", startReplicaProcesses(REPLICAS));
    }
    if (wanted.has("etcd") && etcdVersion() !== null) {
      this.#tell("starting etcd");
      await this.#keep("etcd", startEtcd());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of this.#started.splice(0).reverse()) await subject[Symbol.asyncDispose]();
  }

  async #keep<T extends Subject>(name: SubjectName, starting: Promise<T>): Promise<T> {
    const subject = await starting;
    this.#started.push(subject);
    this.#running.set(name, subject);
    this.#signal.throwIfAborted();
    return subject;
  }
}
