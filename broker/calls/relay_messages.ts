/**
 * The messages of the endpoint relay. Only XPC carries them: an endpoint cannot be
 * serialized, so `proto/broker.proto` cannot describe them.
 *
 * @module
 */

/** The response of `store_endpoint`. */
export type StoreEndpointResponse =
  | { success: true; client_state: string; client_poll_count: number }
  | { success: false; error: string; hint: string };

/** The response of `get_endpoint`. */
export type GetEndpointResponse<E> =
  | {
    found: true;
    /** A copy that the carrier owns and disposes after sending it. */
    endpoint: E;
    host_state: string;
    polls_until_success: number;
    wait_time_ms: number;
  }
  | {
    found: false;
    reason: "host_endpoint_not_ready";
    host_state: string;
    hint: string;
    your_poll_count: number;
    connection_age_ms: number;
    timeout_remaining_secs: number;
  }
  | { found: false; reason: "connection_failed"; failure_reason: string }
  | {
    found: false;
    reason: "already_delivered" | "endpoint_released";
    hint: string;
  }
  | { found: false; error: "connection_not_found"; hint: string };
