import { reactive } from "../../client/mod.ts";

/** Starts a process that holds this one's stderr open for long after it. */
export default reactive({
  setup() {
    const { pid } = new Deno.Command("/bin/sleep", { args: ["60"] }).spawn();
    Deno.stderr.writeSync(new TextEncoder().encode(`child ${pid}\n`));
  },
  process() {},
});
