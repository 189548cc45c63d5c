/**
 * The programs of this package that the command line starts in processes of
 * their own, because they need ffi and the command line does not have it.
 *
 * @module
 */

import { PACKAGE_ROOT, packageModule } from "../proto/package_root.ts";

/** A program of this package. */
export interface OwnProgram {
  readonly module: URL;
  /** Its permissions, as Deno's flags. */
  readonly permissions: readonly string[];
}

/** The variables that a Deno process needs to start another one: those that a host passes on to its client. */
const ENVIRONMENT = [
  "ALL_PROXY",
  "DENO_*",
  "HOME",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "JSR_URL",
  "LANG",
  "LC_ALL",
  "NODE_EXTRA_CA_CERTS",
  "NO_COLOR",
  "NO_PROXY",
  "NPM_CONFIG_*",
  "PATH",
  "SSL_CERT_*",
  "STREAMLIB_*",
  "TERM",
  "TMPDIR",
  "TZ",
  "XDG_*",
  "all_proxy",
  "http_proxy",
  "https_proxy",
  "no_proxy",
];

/**
 * The probe of `broker doctor`.
 *
 * @param deno the path of Deno, which the probe starts as its child
 */
export function probeProgram(deno: string): OwnProgram {
  const { permissions } = contactProgram();
  return {
    module: packageModule(
      "cli/doctor/probe/main",
      () => import("./doctor/probe/main.ts"),
    ),
    permissions: [...permissions, `--allow-run=${escaped(deno)}`],
  };
}

/** The program that asks a broker over XPC whether it is there. */
export function contactProgram(): OwnProgram {
  const built = new URL("c/out", PACKAGE_ROOT);
  return {
    module: packageModule(
      "cli/doctor/probe/contact",
      () => import("./doctor/probe/contact.ts"),
    ),
    permissions: [
      "--allow-ffi",
      `--allow-env=${ENVIRONMENT.join(",")}`,
      // Whether this is a checkout with a build.
      ...(built.protocol === "file:"
        ? [`--allow-read=${escaped(decodeURIComponent(built.pathname))}`]
        : []),
    ],
  };
}

/** The demo, with the permissions of `deno task demo`. */
export function demoProgram(): OwnProgram {
  return {
    module: packageModule("demo/main", () => import("../demo/main.ts")),
    permissions: [
      "--allow-ffi",
      "--allow-run",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys=uid",
      "--allow-net=127.0.0.1",
    ],
  };
}

/** The arguments with which Deno runs a program. */
export function argumentsFor(
  { module, permissions }: OwnProgram,
  args: readonly string[] = [],
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-lock",
    ...permissions,
    module.href,
    ...args,
  ];
}

/** A path in a comma-separated list: Deno reads `,,` as a comma. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}
