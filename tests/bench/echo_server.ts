/** The other process of the baseline: returns every byte that it receives on a Unix stream. */

const listener = Deno.listen({ transport: "unix", path: Deno.args[0]! });
Deno.stdout.writeSync(new TextEncoder().encode("listening\n"));
const connection = await listener.accept();
await connection.readable.pipeTo(connection.writable);
