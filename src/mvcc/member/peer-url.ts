/** Peer URLs: what clients say about a new member. */
import { asLocationHint, type LocationHint } from "../../base/location-hints.ts";
import { isBindingName, isMemberName } from "../../base/member-name.ts";

/** What an `edged://NAME?region=HINT&binding=BINDING` asks for; nulls are chosen by the group. */
export interface Placement {
  readonly name: string | null;
  readonly hint: LocationHint | null;
  readonly binding: string | null;
}

const ANYWHERE: Placement = { name: null, hint: null, binding: null };
const URL_LENGTH_MAX = 1_024;
/** A bracketed address or a name, and a port; etcd allows no path. */
const HTTP = /^https?:\/\/(?:\[[0-9a-fA-F:.%]+\]|[^\s/?#@:[\]]+):\d{1,5}$/;
const EDGED = /^edged:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/;

function parseEdged(url: string): Placement | null {
  const [, name = "", query = ""] = EDGED.exec(url) ?? [];
  if (!isMemberName(name)) return null;
  let hint: LocationHint | null = null;
  let binding: string | null = null;
  for (const item of query === "" ? [] : query.split("&")) {
    const [key, value = ""] = item.split("=");
    if (key === "region") hint = asLocationHint(value);
    if (key === "region" && hint === null) return null;
    if (key === "binding") binding = value;
    if (key !== "region" && key !== "binding") return null;
  }
  return binding !== null && !isBindingName(binding) ? null : { name, hint, binding };
}

/** Where the member of these URLs shall live, or null if they are not what etcd or edged takes. */
export function parsePeerUrls(urls: readonly string[]): Placement | null {
  if (urls.length === 0 || new Set(urls).size !== urls.length) return null;
  let placement = ANYWHERE;
  for (const url of urls) {
    if (url.length > URL_LENGTH_MAX) return null;
    if (HTTP.test(url)) continue;
    const parsed = parseEdged(url);
    if (parsed === null || placement !== ANYWHERE) return null;
    placement = parsed;
  }
  return placement;
}

/** The URL of a member that was given none. */
export function peerUrl(name: string, hint: string): string {
  return `edged://${name}?region=${hint}`;
}
