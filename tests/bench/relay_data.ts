import { DataFrame, reactive } from "../../client/mod.ts";

/** Sends each data frame back. */
export default reactive({
  inputs: { data: DataFrame },
  outputs: { data: DataFrame },
  process({ input, output }) {
    using frame = input.data.get();
    if (!frame) return;
    using out = output.data.acquire(frame);
    output.data.send(out);
  },
});
