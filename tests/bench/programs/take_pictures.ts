/** Reads pictures of a number of bytes from a Unix stream, and answers each with one byte. Prints a line when it listens. */

const [path = "", bytes = ""] = Deno.args;
const listener = Deno.listen({ transport: "unix", path });
Deno.stdout.writeSync(new TextEncoder().encode("listening\n"));
const connection = await listener.accept();
const picture = new Uint8Array(Number(bytes));
const answer = new Uint8Array(1);
for (;;) {
  for (let at = 0; at < picture.length;) {
    const got = await connection.read(picture.subarray(at));
    if (got === null) Deno.exit(0);
    at += got;
  }
  await connection.write(answer);
}
