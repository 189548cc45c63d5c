/** A shim that is part of the package, as text. `deno task pack` writes them. */
export interface Prebuilt {
  /** The version of the C ABI that it has. */
  readonly abi: number;
  /** The hash of the file, in hexadecimal digits. */
  readonly sha256: string;
  /** How large the file is. */
  readonly bytes: number;
  /** The file. */
  readonly base64: string;
}
