/**
 * Sends back what it receives: `stream PATH` on a Unix stream, `stdio`, or
 * `websocket`. Those that listen print a line when they do.
 */

const [carrier, path = ""] = Deno.args;

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

interface Bytes {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

async function echo(
  from: Pick<Bytes, "read">,
  to: Pick<Bytes, "write">,
): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let got; (got = await from.read(buffer)) !== null;) {
    for (let put = 0; put < got;) {
      put += await to.write(buffer.subarray(put, got));
    }
  }
}

switch (carrier) {
  case "stream": {
    const listener = Deno.listen({ transport: "unix", path });
    say("listening");
    const connection = await listener.accept();
    await echo(connection, connection);
    break;
  }
  case "stdio":
    await echo(Deno.stdin, Deno.stdout);
    break;
  case "websocket": {
    const onListen = ({ port }: Deno.NetAddr) => say(String(port));
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    });
  }
}
