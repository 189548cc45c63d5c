/**
 * A registry with the part of JSR's interface that these packages need, on this
 * machine, during a test. It accepts uploads of `deno publish`, in which Deno has
 * rewritten the specifiers, and serves them unchanged.
 */

import { createHash } from "node:crypto";
import { run } from "../helpers/child.ts";
import { soon } from "../helpers/soon.ts";

const PUBLISH = /^\/api\/scopes\/(\w+)\/packages\/(\w+)\/versions\/([\d.]+)$/;

/** The content types by which Deno recognizes modules. */
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  ts: "text/typescript",
  json: "application/json",
};

/** A published version. */
interface Published {
  /** `/@scope/name/`. */
  readonly path: string;
  readonly version: string;
  /** The folder of its files. */
  readonly folder: string;
}

/** A registry with the packages that were published to it. */
export class Registry implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #published: Published[] = [];

  /** Starts a registry. Its packages are in a new folder. */
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

  /** Its URL, for JSR_URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Publishes the package in a folder, with Deno. */
  async publish(folder: URL): Promise<void> {
    const before = this.#published.length;
    const { code, stderr } = await run(Deno.execPath(), {
      args: [
        "publish",
        "--allow-dirty",
        "--no-check",
        "--no-provenance",
        "--token=any",
      ],
      cwd: folder,
      env: { JSR_URL: this.url, NO_COLOR: "1" },
    });
    if (code !== 0 || this.#published.length === before) {
      throw new Error(stderr);
    }
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const publish = PUBLISH.exec(pathname);
    if (publish && request.method === "POST") {
      const [, scope, name, version] = publish;
      const path = `/@${scope}/${name}/`;
      const folder = `${this.#folder}/${this.#published.length}`;
      await unpack(await request.bytes(), folder);
      this.#published.push({ path, version: version!, folder });
      return Response.json({ id: "1", status: "success", error: null });
    }
    if (publish) {
      return Response.json({ code: "packageVersionNotFound", message: "" }, {
        status: 404,
      });
    }
    if (pathname.startsWith("/api/")) return Response.json({});
    const served = await this.#serve(pathname);
    return served ?? new Response("", { status: 404 });
  }

  /** Serves a package as JSR does: its versions, the content of one, a file. */
  async #serve(pathname: string): Promise<Response | undefined> {
    const all = this.#published.filter(({ path }) => pathname.startsWith(path));
    if (pathname === `${all[0]?.path}meta.json`) {
      return Response.json({
        latest: all.at(-1)!.version,
        versions: Object.fromEntries(all.map(({ version }) => [version, {}])),
      });
    }
    for (const one of all) {
      const served = await serve(one, pathname);
      if (served) return served;
    }
    return undefined;
  }

  /** Closes it, and removes its packages. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await soon(this.#server.shutdown(), "the registry's end");
    } finally {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

async function unpack(
  archive: Uint8Array<ArrayBuffer>,
  folder: string,
): Promise<void> {
  const file = `${folder}.tar.gz`;
  await Deno.mkdir(folder);
  await Deno.writeFile(file, archive);
  const { code, stderr } = await run("tar", {
    args: ["-xzf", file, "-C", folder],
  });
  await Deno.remove(file);
  if (code !== 0) throw new Error(stderr);
}

/** Serves a version as JSR does: its content, a file. */
async function serve(
  { path, version, folder }: Published,
  pathname: string,
): Promise<Response | undefined> {
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
  try {
    return new Response(await Deno.readFile(`${folder}${file}`), {
      headers: { "content-type": type },
    });
  } catch (error) {
    // An installation requests a lock file too.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The size and hash of each file below a folder, by relative path. */
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
