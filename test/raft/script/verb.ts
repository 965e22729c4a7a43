import type { Args } from "./args.ts";
import type { Story } from "./story.ts";

/** Carries out one command and prints what came of it to the story. */
export type Verb = (story: Story, args: Args) => void;
