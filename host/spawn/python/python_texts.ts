import type { KeptText } from "../kept_files.ts";

/** The folders of Python files: that of the client, which Python runs, and the demo's processor. Their paths in a checkout. */
export type PythonSource = "client/python" | "demo/python";

/** The folders as text. A checkout has none: it has the folders. */
export const PYTHON_TEXTS:
  | Readonly<Record<PythonSource, KeptText>>
  | undefined = undefined;
