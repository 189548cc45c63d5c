/**
 * StreamLib Bridge: two local processes that find each other with certainty
 * and exchange frames without copying them.
 *
 * A runtime imports `@streamlib/bridge/host`, a processor
 * `@streamlib/bridge/client`; this module is both.
 *
 * @module
 */

export * from "./client/mod.ts";
export * from "./host/mod.ts";
