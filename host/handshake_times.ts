/**
 * What hosts tell about a connection: the times of its handshake.
 *
 * @module
 */

/** The time of each step of the handshake, in milliseconds since the connection began. */
export interface HandshakeTimes {
  /** The broker has allocated the connection. */
  allocated: number;
  /** The broker has stored the endpoint. */
  stored: number;
  /** The client's process was started. */
  spawned: number;
  /** The client has connected and proven itself. */
  hello: number;
  /** Ping and pong have passed, and the broker knows. */
  acked: number;
  /** The client's module has started: frames can flow. */
  started: number;
}
