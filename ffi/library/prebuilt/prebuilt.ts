/** A shim in the package, as text. `deno task pack` writes it. */
export interface Prebuilt {
  /** The version of its C ABI. */
  readonly abi: number;
  /** The SHA-256 of the file, in hexadecimal digits. */
  readonly sha256: string;
  /** The size of the file, in bytes. */
  readonly bytes: number;
  /** The content of the file. */
  readonly base64: string;
}
