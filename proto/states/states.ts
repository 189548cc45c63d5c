/**
 * The states of a connection's two sides, and the state of the connection as a whole,
 * which is derived from them.
 *
 * @module
 */

/** The two ends of a connection. */
export const SIDES = ["host", "client"] as const;
/** One end of a connection. */
export type Side = typeof SIDES[number];

/** The states of a host, in order. A host never goes back; `failed` can follow each state. */
export const HOST_STATES = [
  "pending",
  "alive",
  "xpc_ready",
  "acked",
  "failed",
] as const;
/** The state of a host. */
export type HostState = typeof HOST_STATES[number];

/** The states of a client, in order. A client never goes back; `failed` can follow each state. */
export const CLIENT_STATES = [
  "pending",
  "alive",
  "waiting_for_endpoint",
  "xpc_endpoint_received",
  "acked",
  "failed",
] as const;
/** The state of a client. */
export type ClientState = typeof CLIENT_STATES[number];

/** The derived states, in the order in which {@link derive} tests them. */
export const DERIVED_STATES = [
  "closed",
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
/** The state of a connection as a whole. */
export type DerivedState = typeof DERIVED_STATES[number];

/** What a connection waits for, in words, for each state in which it is neither ready nor over. */
export const WAITING_FOR: Readonly<
  Record<Exclude<DerivedState, "ready" | "failed" | "closed">, string>
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

/** Whether a host in `state` has reached `goal`; false for `failed`. */
export function hostReached(
  state: HostState,
  goal: Exclude<HostState, "failed">,
): boolean {
  return state !== "failed" &&
    HOST_STATES.indexOf(state) >= HOST_STATES.indexOf(goal);
}

/** Whether a client in `state` has reached `goal`; false for `failed`. */
export function clientReached(
  state: ClientState,
  goal: Exclude<ClientState, "failed">,
): boolean {
  return state !== "failed" &&
    CLIENT_STATES.indexOf(state) >= CLIENT_STATES.indexOf(goal);
}

/**
 * Returns the derived state: that of the first condition which is true.
 *
 * @param host the host's state
 * @param client the client's state
 * @param endpointStored whether the broker holds the host's endpoint
 * @param timedOut whether it is not ready within its time limit
 * @param closed whether it is over because a side closed it
 */
export function derive(
  host: HostState,
  client: ClientState,
  endpointStored: boolean,
  timedOut = false,
  closed = false,
): DerivedState {
  const hostAcked = host === "acked";
  const clientAcked = client === "acked";
  const clientAsking = client === "waiting_for_endpoint";
  if (closed) return "closed";
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
