/** Pictures of 1080p through a Unix stream to another process, as fast as it takes them. */

import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";
import { bytesOf, FULL_HD } from "../bridge/picture_stream.ts";
import type {
  Extent,
  Round,
  Subject,
  SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";

/** Pictures per second. */
export function pictureSocket(
  name: string,
  count: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return {
    name,
    unit: "1/s",
    start: async (extent): Promise<Subject> => {
      await using held = new AsyncDisposableStack();
      const path = `${held.use(new PrivateDirectory()).path}/pictures`;
      const program = held.use(
        Program.deno("take_pictures.ts", [path, bytesOf(FULL_HD)]),
      );
      await program.line();
      const connection = held.use(
        await Deno.connect({ transport: "unix", path }),
      );
      const resources = held.move();
      return {
        round: () => measure(connection, count[extent]),
        [Symbol.asyncDispose]: () => resources.disposeAsync(),
      };
    },
  };
}

async function measure(connection: Deno.Conn, count: number): Promise<Round> {
  const picture = new Uint8Array(bytesOf(FULL_HD)).fill(1);
  const began = performance.now();
  await Promise.all([
    send(connection, picture, count),
    awaitAnswers(connection, count),
  ]);
  return { samples: [count / ((performance.now() - began) / 1000)] };
}

async function send(
  connection: Deno.Conn,
  picture: Uint8Array,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (let at = 0; at < picture.length;) {
      at += await connection.write(picture.subarray(at));
    }
  }
}

async function awaitAnswers(
  connection: Deno.Conn,
  count: number,
): Promise<void> {
  const answers = new Uint8Array(64);
  for (let came = 0; came < count;) {
    const got = await connection.read(answers);
    if (got === null) throw new Error("the reader of pictures has ended");
    came += got;
  }
}
