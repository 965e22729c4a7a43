/** The version of edged, as in package.json. */
export const EDGED_VERSION = "0.1.0";

/** The etcd whose API is spoken. Clients read it, so it has only numbers and dots. */
export const ETCD_VERSION = "3.6.0";
