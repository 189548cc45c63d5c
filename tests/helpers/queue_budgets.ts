/** Numbers of the tests that fill queues. */

/** A mebibyte, in bytes. */
export const MIB = 1024 * 1024;
/** `SLB_MAX_OUTBOX_BYTES` of the header. */
export const OUTBOX_BYTES = 16 * MIB;
/** `SLB_MAX_INBOX_BYTES` of the header. */
export const INBOX_BYTES = 8 * MIB;
/** The most that a process may grow. Far more than the budgets, for the garbage that JavaScript keeps for a while; far less than a queue without bounds takes. */
export const MEMORY_BYTES = 700 * MIB;
