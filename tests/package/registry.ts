/**
 * A registry as JSR is, as far as one package needs one: on this machine, for
 * as long as a test runs. It takes what `deno publish` uploads, whose
 * specifiers Deno has rewritten, and serves just that.
 */

import { createHash } from "node:crypto";
import { soon } from "../helpers/soon.ts";

const PUBLISH = /^\/api\/scopes\/(\w+)\/packages\/(\w+)\/versions\/([\d.]+)$/;

/** The content types that Deno tells modules by. */
const TYPES: Readonly<Record<string, string>> = {
  ts: "text/typescript",
  json: "application/json",
};

/** What was published. */
interface Published {
  /** `/@scope/name/`. */
  readonly path: string;
  readonly version: string;
  /** Where its files are. */
  readonly folder: string;
}

/** One registry, with no or one package. */
export class Registry implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #published: Published | undefined;

  /** Starts one, which keeps its package in a folder of its own. */
  static async start(): Promise<Registry> {
    return new Registry(await Deno.makeTempDir());
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** Where it is, for JSR_URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Has Deno publish the package in a folder. */
  async publish(folder: URL): Promise<void> {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--allow-dirty", "--no-provenance", "--token=any"],
      cwd: folder,
      env: { JSR_URL: this.url, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr);
    if (!success || !this.#published) throw new Error(said);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const publish = PUBLISH.exec(pathname);
    if (publish && request.method === "POST") {
      const [, scope, name, version] = publish;
      const path = `/@${scope}/${name}/`;
      await this.#unpack(await request.bytes());
      this.#published = { path, version: version!, folder: this.#folder };
      return Response.json({ id: "1", status: "success", error: null });
    }
    if (publish) {
      return Response.json({ code: "packageVersionNotFound", message: "" }, {
        status: 404,
      });
    }
    if (pathname.startsWith("/api/")) return Response.json({});
    const served = this.#published && await serve(this.#published, pathname);
    return served ?? new Response("", { status: 404 });
  }

  async #unpack(archive: Uint8Array<ArrayBuffer>): Promise<void> {
    const file = `${this.#folder}.tar.gz`;
    await Deno.writeFile(file, archive);
    const { success, stderr } = await new Deno.Command("tar", {
      args: ["-xzf", file, "-C", this.#folder],
    }).output();
    await Deno.remove(file);
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }

  /** Ends it, and removes the package. */
  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.#server.shutdown(), "the registry's end");
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What JSR serves of a package: its versions, what is in one, a file. */
async function serve(
  { path, version, folder }: Published,
  pathname: string,
): Promise<Response | undefined> {
  if (pathname === `${path}meta.json`) {
    return Response.json({ latest: version, versions: { [version]: {} } });
  }
  if (pathname === `${path}${version}_meta.json`) {
    const { exports } = JSON.parse(
      await Deno.readTextFile(`${folder}/deno.json`),
    );
    return Response.json({ exports, manifest: await manifest(folder) });
  }
  const inside = `${path}${version}`;
  if (!pathname.startsWith(`${inside}/`)) return undefined;
  const file = decodeURIComponent(pathname.slice(inside.length));
  const type = TYPES[file.slice(file.lastIndexOf(".") + 1)] ?? "text/plain";
  return new Response(await Deno.readFile(`${folder}${file}`), {
    headers: { "content-type": type },
  });
}

/** The size and hash of every file below a folder, by its path from there. */
async function manifest(
  folder: string,
  below = "",
): Promise<Record<string, { size: number; checksum: string }>> {
  const found: Record<string, { size: number; checksum: string }> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder + below)) {
    const path = `${below}/${name}`;
    if (isDirectory) {
      Object.assign(found, await manifest(folder, path));
    } else {
      const bytes = await Deno.readFile(folder + path);
      const hash = createHash("sha256").update(bytes).digest("hex");
      found[path] = { size: bytes.length, checksum: `sha256-${hash}` };
    }
  }
  return found;
}
