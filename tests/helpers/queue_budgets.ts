/** Numbers of the tests that fill queues. */

/** A mebibyte, in bytes. */
export const MIB = 1024 * 1024;
/** `SLB_MAX_OUTBOX_BYTES` of the header. */
export const OUTBOX_BYTES = 16 * MIB;
/** The most that waits in an inbox: `SLB_MAX_INBOX_BYTES` of the header, and one message of `SLB_MAX_MESSAGE_COST`, which may be added while it is not full. */
export const INBOX_BYTES = (8 + 16) * MIB;
/** The most that a process may grow. Far more than the budgets, for the garbage that JavaScript keeps for a while; far less than a queue without bounds takes. */
export const MEMORY_BYTES = 700 * MIB;
