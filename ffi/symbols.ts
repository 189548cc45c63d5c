/**
 * The C ABI for `Deno.dlopen`: the functions of `c/include/streamlib_bridge.h`,
 * in the order of the header. A test compares names, parameters and types.
 *
 * @module
 */

/** The version of the ABI; the same as `SLB_ABI_VERSION` in the header. */
export const ABI_VERSION = 11;

/** All functions of the shim. */
export const SYMBOLS = {
  slb_abi_version: { parameters: [], result: "u32" },
  slb_error_copy: { parameters: ["buffer", "u32"], result: "u32" },
  slb_error_code: { parameters: [], result: "i32" },
  slb_user_id: { parameters: [], result: "u32" },
  slb_now_ns: { parameters: [], result: "u64" },
  slb_clock_ms: { parameters: [], result: "f64" },
  slb_sleep_us: { parameters: ["u32"], result: "i32" },
  slb_stats: { parameters: ["buffer", "u32"], result: "u32" },
  slb_release: { parameters: ["u32"], result: "i32" },

  slb_process_follow: {
    parameters: ["u32", "buffer", "u32"],
    result: "i32",
  },
  slb_process_is_orphan: { parameters: [], result: "i32" },
  slb_process_is_client: { parameters: [], result: "i32" },
  slb_forked: { parameters: [], result: "i32" },
  slb_process_forward: { parameters: ["i32"], result: "i32" },
  slb_stderr_write: { parameters: ["buffer", "u32"], result: "i32" },
  slb_scratch_create: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "u32",
  },
  slb_scratch_remove: { parameters: ["buffer", "u32"], result: "i32" },

  slb_confinement: { parameters: [], result: "i32" },

  slb_queue_create: { parameters: [], result: "u32" },
  slb_queue_take_bell: { parameters: ["u32"], result: "i32" },
  slb_queue_drain: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  slb_queue_next_bytes: { parameters: ["u32"], result: "u32" },
  slb_queue_wait: { parameters: ["u32", "u32"], result: "i32" },

  slb_listener_create: { parameters: ["u32"], result: "u32" },
  slb_listener_create_service: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },
  slb_endpoint_create: { parameters: ["u32"], result: "u32" },
  slb_connection_create_service: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },
  slb_connection_create_endpoint: {
    parameters: ["u32", "u32"],
    result: "u32",
  },
  slb_connection_activate: { parameters: ["u32"], result: "i32" },
  slb_connection_cancel: { parameters: ["u32"], result: "i32" },
  slb_connection_send: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  slb_connection_request: {
    parameters: ["u32", "buffer", "u32", "u32"],
    result: "i32",
  },
  slb_reply_send: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  slb_connection_limit: { parameters: ["u32", "u32"], result: "i32" },
  slb_connection_queues: { parameters: ["u32", "buffer"], result: "i32" },
  slb_connection_peer: { parameters: ["u32", "buffer"], result: "i32" },
  slb_connection_reason_copy: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },
  slb_service_path_copy: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "u32",
  },
  slb_service_is_activated: { parameters: ["buffer", "u32"], result: "i32" },

  slb_bootstrap_create: { parameters: ["u32", "u32"], result: "u32" },
  slb_bootstrap_take_bell: { parameters: ["u32"], result: "i32" },
  slb_bootstrap_next: { parameters: ["u32", "buffer"], result: "i32" },
  slb_bootstrap_register: {
    parameters: ["u32", "buffer", "u32", "u32"],
    result: "i32",
  },
  slb_bootstrap_look_up: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },
  slb_bootstrap_declare: {
    parameters: ["u32", "buffer", "u32", "u32"],
    result: "i32",
  },
  slb_bootstrap_ended: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  slb_bootstrap_offer: { parameters: ["u32", "buffer", "u32"], result: "u32" },
  slb_bootstrap_withdraw: { parameters: ["u32"], result: "i32" },
  slb_bootstrap_inherited: { parameters: ["buffer", "u32"], result: "i32" },

  slb_stream_listen: { parameters: ["u32", "buffer", "u32"], result: "u32" },
  slb_stream_inherited: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },
  slb_stream_take_bell: { parameters: ["u32"], result: "i32" },
  slb_stream_accept: { parameters: ["u32"], result: "i32" },
  slb_stream_path_copy: {
    parameters: ["u32", "buffer", "u32"],
    result: "u32",
  },

  slb_stream_peer: { parameters: ["i32", "buffer"], result: "i32" },

  slb_process_started: { parameters: ["i32"], result: "u64" },
  slb_process_is_stopped: { parameters: ["i32"], result: "i32" },
  slb_descriptor_limit: { parameters: [], result: "u32" },
  slb_silent: { parameters: ["buffer"], result: "i32" },

  slb_mapping_keep: { parameters: ["u32"], result: "i32" },
  slb_shmem_create: { parameters: ["u32", "u64"], result: "u32" },
  slb_shmem_map: { parameters: ["u32"], result: "pointer" },
  slb_shmem_map_read: { parameters: ["u32"], result: "pointer" },
  slb_shmem_bytes: { parameters: ["u32"], result: "u64" },

  slb_fd_create: { parameters: ["u32", "i32"], result: "u32" },
  slb_fd_dup: { parameters: ["u32"], result: "i32" },

  slb_lane_create: { parameters: ["u32", "u32"], result: "u32" },
  slb_lane_open: { parameters: ["u32", "u32"], result: "u32" },
  slb_lane_slots: { parameters: ["u32"], result: "u32" },
  slb_lane_take_memory: { parameters: ["u32"], result: "u32" },
  slb_lane_map: { parameters: ["u32"], result: "pointer" },
  slb_lane_bytes: { parameters: ["u32"], result: "u64" },
  slb_lane_bell: { parameters: ["u32"], result: "u32" },
  slb_lane_connect: { parameters: ["u32", "u32"], result: "i32" },
  slb_lane_take_bell: { parameters: ["u32"], result: "i32" },
  slb_lane_publish: { parameters: ["u32", "u32"], result: "i32" },
  slb_lane_consume: { parameters: ["u32", "u32"], result: "i32" },
  slb_lane_spin: { parameters: ["u32", "u32", "u32"], result: "u32" },
  slb_lane_sleep: { parameters: ["u32", "u32"], result: "i32" },
  slb_lane_wake: { parameters: ["u32"], result: "i32" },
  slb_lane_wait: { parameters: ["u32", "u32", "u32"], result: "i32" },

  slb_surface_create: {
    parameters: ["u32", "u32", "u32", "u32", "buffer", "u32"],
    result: "u32",
  },
  slb_surface_layout: { parameters: ["u32", "buffer"], result: "i32" },
  slb_surface_map: { parameters: ["u32"], result: "pointer" },
  slb_surface_map_read: { parameters: ["u32"], result: "pointer" },
  slb_surface_native: { parameters: ["u32"], result: "i64" },
  slb_surface_lock: { parameters: ["u32", "u32"], result: "i32" },
  slb_surface_unlock: { parameters: ["u32", "u32"], result: "i32" },
} as const;

/** Functions of {@link SYMBOLS} that another thread runs, so that they can block without blocking this one. */
export const ELSEWHERE = {
  slb_sleep_us_elsewhere: {
    ...SYMBOLS.slb_sleep_us,
    name: "slb_sleep_us",
    nonblocking: true,
  },
  slb_queue_wait_elsewhere: {
    ...SYMBOLS.slb_queue_wait,
    name: "slb_queue_wait",
    nonblocking: true,
  },
} as const;

/** The type of the loaded functions. */
export type Symbols = Deno.StaticForeignLibraryInterface<
  typeof SYMBOLS & typeof ELSEWHERE
>;
