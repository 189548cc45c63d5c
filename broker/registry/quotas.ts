/**
 * The quotas of one broker.
 *
 * @module
 */

import {
  MAX_ANSWER_BYTES,
  MAX_CONNECTIONS,
  MAX_GRPC_SESSIONS,
  MAX_LOG_TAILS,
  MAX_REGISTRY_BYTES,
  MAX_RUNTIMES,
  MAX_WATCHERS,
  MAX_XPC_PEERS,
  OWN_DESCRIPTORS,
} from "../../proto/limits.ts";
import { type Fullness, Shares } from "./shares.ts";

/** The name of a quota: what is shared among the processes. */
export type QuotaName =
  | "connections"
  | "bytes"
  | "endpoints"
  | "watchers"
  | "runtimes"
  | "peers"
  | "sessions"
  | "tails"
  | "answers";

/** All names. */
export const QUOTA_NAMES: readonly QuotaName[] = [
  "connections",
  "bytes",
  "endpoints",
  "watchers",
  "runtimes",
  "peers",
  "sessions",
  "tails",
  "answers",
];

/** The limit of each quota. */
export type QuotaLimits = Readonly<Record<QuotaName, number>>;

/**
 * The default limits of a process that may have `descriptors` descriptors open.
 * Peers, sessions and endpoints take one each. They get parts of what the broker
 * does not need itself, so that one kind never takes the others' room, and a few
 * stay free to accept the next peer.
 */
export function defaultLimits(descriptors: number): QuotaLimits {
  const spare = Math.max(0, descriptors - OWN_DESCRIPTORS);
  const part = (share: number, least: number, most: number): number =>
    Math.min(most, Math.max(least, Math.floor(spare * share)));
  return {
    connections: MAX_CONNECTIONS,
    bytes: MAX_REGISTRY_BYTES,
    endpoints: part(0.1, 2, MAX_CONNECTIONS),
    watchers: MAX_WATCHERS,
    runtimes: MAX_RUNTIMES,
    peers: part(0.4, 4, MAX_XPC_PEERS),
    sessions: part(0.2, 4, MAX_GRPC_SESSIONS),
    tails: MAX_LOG_TAILS,
    answers: MAX_ANSWER_BYTES,
  };
}

/** The quotas of one broker, by name. */
export type Quotas = Readonly<Record<QuotaName, Shares>>;

/** Makes the quotas of a broker. `limits` replaces those of a process with many descriptors. */
export function createQuotas(limits: Partial<QuotaLimits> = {}): Quotas {
  const all = { ...defaultLimits(Infinity), ...limits };
  return Object.fromEntries(
    QUOTA_NAMES.map((name) => [name, new Shares(name, all[name])]),
  ) as Quotas;
}

/** How full each quota is. */
export function fullnessOf(quotas: Quotas): Fullness[] {
  return QUOTA_NAMES.map((name) => quotas[name].fullness());
}
