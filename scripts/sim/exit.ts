/** Ended by a signal, with nothing found so far: what a shell says of a command that SIGINT ended. */
export const EXIT_STOPPED = 130;
