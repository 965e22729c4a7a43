/**
 * Where the endpoints of a cluster are, how long things take there, and who counts what they use. A run
 * without a site has one place for all and draws times from its options.
 */
import type { Sql } from "../../../src/base/sql.ts";
import type { SimObject } from "./sim-object.ts";

export interface Site {
  /** How long something takes that is sent at `now`, one way. */
  wayMs(now: number, from: number, to: number): number;
  /** How long a transaction of an object takes to become durable. */
  commitMs(object: number): number;
  /** How long an object without memory takes until it handles what woke it. */
  startMs(object: number): number;
  readonly meter: Meter;
}

/** Told of everything that a platform bills an object for. */
export interface Meter {
  /** An event begins: a call by its method, "alarm", or "timer" for one of the object's own. */
  began(object: SimObject, what: string): void;
  /** It has ended, promises included. */
  ended(object: SimObject): void;
  /** The port through which an object uses its database. */
  sql(object: SimObject, port: Sql): Sql;
  alarmSet(object: SimObject): void;
}
