import { reactive } from "../../client/mod.ts";

/** Reports that it has begun, and never returns to its event loop. */
export default reactive({
  setup() {
    Deno.stderr.writeSync(new TextEncoder().encode("looping\n"));
    while (true);
  },
  process() {},
});
