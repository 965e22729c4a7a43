/** What the bridge is told on its command line. */

export interface TlsOptions {
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate of this authority; null: no certificate is asked for. */
  readonly clientCa: string | null;
}

export const SESSIONS_DEFAULT = 2;

export interface BridgeOptions {
  /** Base URLs of gateways, tried in this order; at least one. */
  readonly endpoints: readonly string[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The deployment's API_TOKEN, added to every request. */
  readonly token: string | null;
  readonly tls: TlsOptions | null;
  /** Sessions with a gateway at a time (docs/session.md), two as a rule; 0: each call is a request of its own. */
  readonly sessions?: number;
}
