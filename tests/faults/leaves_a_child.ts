import { reactive } from "../../client/mod.ts";

/** Starts a process that keeps the stderr of this one open, for longer than a test may take. */
export default reactive({
  setup() {
    const { pid } = new Deno.Command("/bin/sleep", { args: ["600"] }).spawn();
    Deno.stderr.writeSync(new TextEncoder().encode(`child ${pid}\n`));
  },
  process() {},
});
