/**
 * The states of a connection's two sides, and the one state that a person sees,
 * derived from them.
 *
 * @module
 */

/** The two ends of a connection. */
export const SIDES = ["host", "client"] as const;
/** One end of a connection. */
export type Side = typeof SIDES[number];

/** A host's states in their order. It never goes back; `failed` can follow each. */
export const HOST_STATES = [
  "pending",
  "alive",
  "xpc_ready",
  "acked",
  "failed",
] as const;
/** Where the host is. */
export type HostState = typeof HOST_STATES[number];

/** A client's states in their order. It never goes back; `failed` can follow each. */
export const CLIENT_STATES = [
  "pending",
  "alive",
  "waiting_for_endpoint",
  "xpc_endpoint_received",
  "acked",
  "failed",
] as const;
/** Where the client is. */
export type ClientState = typeof CLIENT_STATES[number];

/** Every derived state, in the order in which {@link derive} tries them. */
export const DERIVED_STATES = [
  "failed",
  "ready",
  "awaiting_ack",
  "client_connecting",
  "client_waiting_for_host_endpoint",
  "awaiting_client_to_retrieve_endpoint",
  "awaiting_client",
  "awaiting_host",
  "awaiting_both",
  "both_alive_awaiting_host_xpc",
] as const;
/** What a connection as a whole is doing. */
export type DerivedState = typeof DERIVED_STATES[number];

/** What a connection that is neither ready nor failed waits for, for people. */
export const WAITING_FOR: Readonly<
  Record<Exclude<DerivedState, "ready" | "failed">, string>
> = {
  awaiting_both: "neither the host nor the client has been heard of",
  awaiting_host: "the client has started, the host has not been heard of",
  awaiting_client: "the client's process has not been heard of",
  both_alive_awaiting_host_xpc: "the host has not stored its endpoint",
  client_waiting_for_host_endpoint:
    "the client asks for the endpoint, the host has not stored it",
  awaiting_client_to_retrieve_endpoint:
    "the endpoint is stored, the client has not taken it",
  client_connecting: "host and client are shaking hands",
  awaiting_ack: "one side has the other's answer, the other has not said so",
};

/** Whether a host in `state` has come at least as far as `goal`. `failed` has come nowhere. */
export function hostReached(
  state: HostState,
  goal: Exclude<HostState, "failed">,
): boolean {
  return state !== "failed" &&
    HOST_STATES.indexOf(state) >= HOST_STATES.indexOf(goal);
}

/** Whether a client in `state` has come at least as far as `goal`. `failed` has come nowhere. */
export function clientReached(
  state: ClientState,
  goal: Exclude<ClientState, "failed">,
): boolean {
  return state !== "failed" &&
    CLIENT_STATES.indexOf(state) >= CLIENT_STATES.indexOf(goal);
}

/**
 * The derived state: the first line that holds.
 *
 * @param host the host's state
 * @param client the client's state
 * @param endpointStored whether the broker holds the host's endpoint
 * @param timedOut whether it is not ready and its time is over
 */
export function derive(
  host: HostState,
  client: ClientState,
  endpointStored: boolean,
  timedOut = false,
): DerivedState {
  const hostAcked = host === "acked";
  const clientAcked = client === "acked";
  const clientAsking = client === "waiting_for_endpoint";
  if (host === "failed" || client === "failed" || timedOut) return "failed";
  if (hostAcked && clientAcked) return "ready";
  if (hostAcked || clientAcked) return "awaiting_ack";
  if (host === "xpc_ready" && client === "xpc_endpoint_received") {
    return "client_connecting";
  }
  if (clientAsking && !endpointStored) {
    return "client_waiting_for_host_endpoint";
  }
  if (endpointStored && (client === "alive" || clientAsking)) {
    return "awaiting_client_to_retrieve_endpoint";
  }
  if ((host === "alive" || host === "xpc_ready") && client === "pending") {
    return "awaiting_client";
  }
  if (host === "pending" && client !== "pending") return "awaiting_host";
  if (host === "pending") return "awaiting_both";
  return "both_alive_awaiting_host_xpc";
}
