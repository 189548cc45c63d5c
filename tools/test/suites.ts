/** The tests that run more than once: with another transport, another language, or as on a Mac. */

/** The tests that also run with clients in Python: of fields, modes, ends, requests, graphs, and of hosts and clients with kills, hangs and restarts. */
export const EITHER_LANGUAGE: readonly string[] = [
  "tests/faults/calls_test.ts",
  "tests/faults/kills_test.ts",
  "tests/integration/crash_frames_test.ts",
  "tests/integration/ends_test.ts",
  "tests/integration/field_types_test.ts",
  "tests/integration/format_agreement_test.ts",
  "tests/integration/formats_test.ts",
  "tests/integration/graph_test.ts",
  "tests/integration/hang_test.ts",
  "tests/integration/host_client_test.ts",
  "tests/integration/hostile_host_test.ts",
  "tests/integration/hostile_lane_host_test.ts",
  "tests/integration/marks_test.ts",
  "tests/integration/modes_test.ts",
  "tests/integration/port_agreement_test.ts",
  "tests/integration/requests_test.ts",
  "tests/integration/restart_test.ts",
  "tests/integration/slow_client_test.ts",
  "tests/integration/tee_kills_test.ts",
];

/** The tests that run with either transport: of channels, of ends and graphs, and of hosts and clients with a kill of each party and restarts. */
export const EITHER_TRANSPORT: readonly string[] = [
  "tests/faults/kills_test.ts",
  "tests/integration/channel_restart_test.ts",
  "tests/integration/channel_stats_test.ts",
  "tests/integration/channel_test.ts",
  "tests/integration/clones_test.ts",
  "tests/integration/crash_frames_test.ts",
  "tests/integration/credit_test.ts",
  "tests/integration/ends_test.ts",
  "tests/integration/field_wire_test.ts",
  "tests/integration/given_away_test.ts",
  "tests/integration/graph_test.ts",
  "tests/integration/hang_test.ts",
  "tests/integration/host_client_test.ts",
  "tests/integration/late_access_test.ts",
  "tests/integration/marks_test.ts",
  "tests/integration/memory_room_test.ts",
  "tests/integration/memory_test.ts",
  "tests/integration/moved_frames_test.ts",
  "tests/integration/nested_memory_test.ts",
  "tests/integration/packets_test.ts",
  "tests/integration/port_ends_test.ts",
  "tests/integration/random_travels_test.ts",
  "tests/integration/requests_test.ts",
  "tests/integration/restart_test.ts",
  "tests/integration/stalled_ports_test.ts",
  "tests/integration/stream_graph_test.ts",
  "tests/integration/streams_test.ts",
  "tests/integration/tee_kills_test.ts",
];

/** Those that clients in Python also run over dictionaries. */
export const EITHER_BOTH: readonly string[] = EITHER_LANGUAGE.filter((path) =>
  EITHER_TRANSPORT.includes(path)
);

/** The shim's tests. */
export const SHIM_TESTS: readonly string[] = [
  "bridge_budget_test",
  "bridge_ends_test",
  "bridge_process_test",
  "bridge_stream_test",
  "bridge_test",
  "shim_fault_test",
];

/** The tests of what differs between Linux and macOS: channels, their lanes and memory, what waits in a sender, ends, deaths, restarts, services. */
export const LIKE_MACOS: readonly string[] = [
  "tests/contract/ffi_ends_test.ts",
  "tests/faults/broker_gone_test.ts",
  "tests/faults/kills_test.ts",
  "tests/faults/orphans_test.ts",
  "tests/integration/activation_test.ts",
  "tests/integration/budgets_test.ts",
  "tests/integration/channel_restart_test.ts",
  "tests/integration/channel_test.ts",
  "tests/integration/contract_test.ts",
  "tests/integration/credit_test.ts",
  "tests/integration/exits_test.ts",
  "tests/integration/field_wire_test.ts",
  "tests/integration/floods_test.ts",
  "tests/integration/graph_test.ts",
  "tests/integration/host_bridge_test.ts",
  "tests/integration/host_client_test.ts",
  "tests/integration/hostile_host_test.ts",
  "tests/integration/hostile_lane_host_test.ts",
  "tests/integration/hostile_lane_test.ts",
  "tests/integration/lane_misuse_test.ts",
  "tests/integration/lane_test.ts",
  "tests/integration/memory_test.ts",
  "tests/integration/modes_test.ts",
  "tests/integration/nested_memory_test.ts",
  "tests/integration/oversize_test.ts",
  "tests/integration/process_limits_test.ts",
  "tests/integration/reasons_cross_test.ts",
  "tests/integration/recv_sync_test.ts",
  "tests/integration/relay_test.ts",
  "tests/integration/restart_test.ts",
  "tests/integration/simulation_test.ts",
  "tests/integration/slow_client_test.ts",
];
