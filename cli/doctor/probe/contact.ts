/**
 * Asks the broker of a service for its version over XPC, once. The argument is the name
 * of the service. The exit code is 0 if it has answered; otherwise stderr says why not.
 *
 * @module
 */

import { BrokerLink } from "../../../ffi/broker_link.ts";
import { Native } from "../../../ffi/native.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { BROKER_START_MS } from "../../../proto/limits.ts";
import { checkVersion } from "../../../proto/wire/control.ts";

const [service = ""] = Deno.args;
try {
  using native = Native.open();
  using link = new BrokerLink(native, service);
  await checkVersion(link, service, { timeoutMs: BROKER_START_MS });
} catch (error) {
  if (!(error instanceof BridgeError)) throw error;
  Deno.stderr.writeSync(new TextEncoder().encode(`${error.message}\n`));
  Deno.exitCode = 1;
}
