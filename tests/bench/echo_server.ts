/** The baseline's other process: sends back what it gets on a Unix stream. */

const listener = Deno.listen({ transport: "unix", path: Deno.args[0]! });
Deno.stdout.writeSync(new TextEncoder().encode("listening\n"));
const connection = await listener.accept();
await connection.readable.pipeTo(connection.writable);
