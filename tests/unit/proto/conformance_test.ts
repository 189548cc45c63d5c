/**
 * The conformance kit, `tests/conformance/`: what every implementation of a client
 * must do, as data. TypeScript writes it, from `proto/`:
 * `deno test --allow-all tests/unit/proto/conformance_test.ts -- --write`. The other
 * languages read it; Python's tests are in `tests/python/`.
 */

import { agreementVectors } from "../../helpers/conformance/agreement_vectors.ts";
import { fieldVectors } from "../../helpers/conformance/field_vectors.ts";
import { handshakeVectors } from "../../helpers/conformance/handshake_vectors.ts";
import { randomVectors } from "../../helpers/conformance/random_vectors.ts";
import { schemaVectors } from "../../helpers/conformance/schema_vectors.ts";
import { settingsVectors } from "../../helpers/conformance/settings_vectors.ts";
import { assertGolden } from "../../helpers/golden.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const FILES: Readonly<Record<string, () => object>> = {
  agreement: agreementVectors,
  fields: fieldVectors,
  handshake: handshakeVectors,
  schemas: schemaVectors,
  settings: settingsVectors,
};

for (const [name, vectors] of Object.entries(FILES)) {
  permittedTest(
    `conformance: ${name}.json is what proto/ does`,
    { read: true },
    async () => {
      const text = `${JSON.stringify(vectors(), null, 2)}\n`;
      await assertGolden(`../conformance/${name}.json`, text);
    },
  );
}

permittedTest(
  "conformance: random_frames.jsonl is what proto/ does",
  { read: true },
  async () => {
    await assertGolden("../conformance/random_frames.jsonl", randomVectors());
  },
);
