/**
 * Why grpc-js has no connection.
 *
 * @module
 */

/** The system's words in what grpc-js says of a connection that failed. */
export function connectionCause(details: string): string {
  const words = /Last error: (?:Error: )?(.*?)\.? Resolution note: *$/.exec(
    details,
  );
  return words?.[1] ?? details;
}
