/**
 * Clients in Deno that the kernel confines, in addition to Deno's own permissions.
 * Deno does not enforce these in native code, which a client may load.
 *
 * @module
 */

import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { BridgeError } from "../../proto/errors.ts";
import { moduleFiles } from "../watch/module_files.ts";
import {
  absolutePermissions,
  type ClientPermissions,
  inspectorAddress,
} from "./client_arguments.ts";
import type {
  ClientKind,
  ClientLine,
  LaunchPlace,
  SpawnOptions,
} from "./client_kind.ts";
import {
  checkEnforceable,
  confined,
  confinementSystem,
  programPath,
} from "./confinement.ts";
import { denoClient } from "./deno_client.ts";
import { denoPlaces } from "./deno_places.ts";
import { OWN_PLACE } from "./kept_files.ts";
import { givenPath } from "./paths.ts";
import { servicesFolder } from "./services_folder.ts";
import { shimFile } from "./shim_file.ts";

/** What a client is started with. */
interface Prepared {
  /** The path of the shim. */
  readonly library: string;
  /** The local files of the module and of the runner. */
  readonly files: ReadonlySet<string>;
}

/**
 * Returns the kind for one host. Before each client, Deno is asked for the files of
 * its module.
 *
 * @throws {BridgeError} `not_permitted` if this system cannot confine clients, or
 * cannot enforce one of the permissions; else what {@link denoClient} throws
 */
export function confinedDeno(
  options: SpawnOptions,
  place: LaunchPlace,
): ClientKind {
  const { module, runner, memoryLimit: memory } = options;
  const permissions = withInspector(
    absolutePermissions(options.permissions ?? {}, place.folder),
    inspectorAddress(options.inspect),
  );
  const system = confinementSystem(place);
  checkEnforceable(permissions, "deno", system);
  const kind = denoClient(
    { ...options, permissions: forDeno(options.permissions ?? {}) },
    place,
  );
  const path = module.protocol === "file:"
    ? givenPath(module, "module", undefined)
    : undefined;
  const config = options.config === undefined
    ? undefined
    : givenPath(options.config, "config", place.folder);
  const local = [module, runner].filter(({ protocol }) => protocol === "file:");
  const find = local.map((each) =>
    moduleFiles({
      module: each,
      deno: options.deno,
      config: each === module ? options.config : undefined,
    })
  );
  let prepared: Prepared | undefined;
  return {
    ...kind,
    async prepare(signal) {
      await kind.prepare?.(signal);
      const files = await Promise.all(find.map((one) => one(signal)));
      const library = await shimFile(OWN_PLACE);
      prepared = {
        library,
        files: new Set(files.flatMap((each) => [...each])),
      };
    },
    command(bridgeEnv, bootstrap?: Bootstrap): ClientLine {
      if (prepared === undefined) {
        throw new Error("prepare() is called before command()");
      }
      const { library, files } = prepared;
      const line = kind.command(bridgeEnv);
      using held = new DisposableStack();
      if (line.held !== undefined) held.use(line.held);
      const { reads, writes } = denoPlaces({
        module: path,
        files,
        config,
        lockCopy: lockCopyIn(line.args),
        variable: place.variable,
      });
      const whole = confined(
        { ...line, program: programPath(line.program, place) },
        options.grpcClient === undefined
          ? permissions
          : withBroker(permissions, bridgeEnv),
        {
          runtime: "deno",
          library,
          reads: [library],
          mayRead: reads,
          mayWrite: writes,
          memory,
          services: servicesFolder(bridgeEnv, bootstrap),
        },
        system,
      );
      held.move();
      return whole;
    },
  };
}

/** Deno cannot permit one port of every host. It permits all, and the kernel enforces the ports. */
function forDeno(permissions: ClientPermissions): ClientPermissions {
  return permissions.net === undefined || permissions.net === true ||
      permissions.net.length === 0
    ? permissions
    : { ...permissions, net: true };
}

function withInspector(
  permissions: ClientPermissions,
  address: string | undefined,
): ClientPermissions {
  return address === undefined ? permissions : withPort(permissions, address);
}

/** With the broker's port, if its control calls go over gRPC. */
function withBroker(
  permissions: ClientPermissions,
  bridgeEnv: Readonly<Record<string, string>>,
): ClientPermissions {
  const address = bridgeEnv["STREAMLIB_BROKER_ENDPOINT"] ?? "";
  if (!address.startsWith("unix:")) return withPort(permissions, address);
  throw new BridgeError(
    "not_permitted",
    `Cannot confine a client that reaches its broker at ${address}: a confined client ` +
      'may use no Unix sockets; use control: "xpc", or a brokerEndpoint with a port',
  );
}

function withPort(
  permissions: ClientPermissions,
  address: string,
): ClientPermissions {
  const port = address.slice(address.lastIndexOf(":"));
  return permissions.net === true
    ? permissions
    : { ...permissions, net: [...permissions.net ?? [], port] };
}

const LOCK = "--lock=";
const IS_COPY = "--frozen=false";

/** The path of the lock file in Deno's arguments, if it is a copy that Deno may write to. */
function lockCopyIn(args: readonly string[]): string | undefined {
  if (!args.includes(IS_COPY)) return undefined;
  return args.find((each) => each.startsWith(LOCK))?.slice(LOCK.length);
}
