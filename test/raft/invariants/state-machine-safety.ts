/** 9. Whoever has applied up to an index has the content that everybody has there (paper 5.4.3). */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class StateMachineSafety implements Invariant {
  readonly name = "state-machine-safety";
  readonly #contents = new Map<number, number>();

  check({ nodes }: Observation): void {
    for (const { node } of nodes) {
      const { applied, content } = node.durable;
      const known = this.#contents.get(applied);
      if (known === undefined) this.#contents.set(applied, content);
      else if (known !== content) violated(this.name, `${node.id} differs in content at index ${applied}`);
    }
  }
}
