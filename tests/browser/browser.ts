/**
 * Controls a headless Chromium with the DevTools protocol: opens a page, reads it
 * and presses its buttons.
 */

import { CollectedText, kill } from "../helpers/child.ts";
import { soon, until } from "../helpers/soon.ts";

/** A browser that can be started. */
export interface BrowserProgram {
  /** Its path. */
  readonly path: string;
  /** Its flags, besides those of every Chromium. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The size of the page in CSS pixels, and its colour scheme. */
interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

const ARGS = [
  "--headless",
  "--remote-debugging-port=0",
  // Without a sandbox: it shows only our own page, and root cannot use a sandbox.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-extensions",
  "--hide-scrollbars",
  "--no-first-run",
  "about:blank",
];

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** A running browser with one page. */
export class Browser implements AsyncDisposable {
  /** The console output of the page, and its uncaught errors. */
  readonly console: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, PromiseWithResolvers<Answer>>();
  #session = "";
  #calling = 0;

  private constructor(
    child: Deno.ChildProcess,
    profile: string,
    socket: WebSocket,
  ) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#answered(JSON.parse(data));
  }

  /** Starts `program` with a new profile. */
  static async start(program: BrowserProgram): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "streamlib-browser-" });
    const child = new Deno.Command(program.path, {
      args: [
        `--user-data-dir=${profile}`,
        ...program.args ?? [],
        ...ARGS,
      ],
      env: { HOME: profile, ...program.env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    try {
      const url = await address(child.stderr);
      const socket = new WebSocket(url);
      const open = Promise.withResolvers<void>();
      socket.onopen = () => open.resolve();
      socket.onerror = () => open.reject(new Error("no DevTools"));
      await soon(open.promise, "DevTools");
      const browser = new Browser(child, profile, socket);
      await browser.#attach();
      return browser;
    } catch (error) {
      await end(child, profile);
      throw error;
    }
  }

  /** Opens `url` in its only page. */
  async open(url: string): Promise<void> {
    const result = await this.#page("Page.navigate", { url });
    if (result["errorText"]) throw new Error(`${url}: ${result["errorText"]}`);
    await this.until(
      `location.href === ${
        JSON.stringify(url)
      } && document.readyState === "complete"`,
    );
  }

  /** Sets how the page is shown. */
  async view({ width, height, scheme }: View): Promise<void> {
    await this.#page("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.#page("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
  }

  /** Evaluates a JavaScript expression in the page. Awaits it if it is a promise. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#page("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { exceptionDetails, result } = answer as {
      exceptionDetails?: unknown;
      result: { value: T };
    };
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Waits until the expression is true. */
  async until(expression: string): Promise<void> {
    await until(
      expression,
      () => this.evaluate<boolean>(`!!(${expression})`),
    );
  }

  /** Presses a key in the page, such as "Tab" or " ". */
  async press(key: string, code: number): Promise<void> {
    const event = { key, windowsVirtualKeyCode: code };
    const text = key.length === 1 ? { text: key } : {};
    await this.#page("Input.dispatchKeyEvent", {
      type: "keyDown",
      ...event,
      ...text,
    });
    await this.#page("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** The whole page as a PNG, beyond the window too. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.#page("Page.captureScreenshot", {
      captureBeyondViewport: true,
    });
    return Uint8Array.fromBase64(data as string);
  }

  /** Ends it, and removes its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.onmessage = null;
    const closed = Promise.withResolvers<void>();
    this.#socket.onclose = () => closed.resolve();
    this.#socket.close();
    await end(this.#child, this.#profile);
    await soon(closed.promise, "the end of the connection to DevTools");
  }

  async #attach(): Promise<void> {
    const { targetInfos } = await this.#call("Target.getTargets");
    const page = (targetInfos as { type: string; targetId: string }[])
      .find(({ type }) => type === "page");
    const { sessionId } = await this.#call("Target.attachToTarget", {
      targetId: page?.targetId,
      flatten: true,
    });
    this.#session = sessionId as string;
    for (const domain of ["Page", "Runtime", "Log"]) {
      await this.#page(`${domain}.enable`);
    }
  }

  #page(
    method: string,
    params: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    return this.#call(method, params, { sessionId: this.#session });
  }

  async #call(
    method: string,
    params: Record<string, unknown> = {},
    session: { sessionId?: string } = {},
  ): Promise<Record<string, unknown>> {
    const id = ++this.#calling;
    const call = Promise.withResolvers<Answer>();
    this.#calls.set(id, call);
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    const { result, error } = await soon(call.promise, method);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  #answered(answer: Answer): void {
    if (answer.id !== undefined) {
      this.#calls.get(answer.id)?.resolve(answer);
      this.#calls.delete(answer.id);
    } else if (
      answer.method === "Runtime.consoleAPICalled" ||
      answer.method === "Runtime.exceptionThrown" ||
      answer.method === "Log.entryAdded" && isError(answer.params)
    ) {
      this.console.push(JSON.stringify(answer.params));
    }
  }
}

/** Whether a message is a warning of the browser about how a test reads a canvas. */
function isError(params: unknown): boolean {
  return (params as { entry: { level: string } }).entry.level === "error";
}

/** The address of its DevTools. Throws with its output if it ends instead. */
async function address(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const said = new CollectedText(stderr);
  const url = (text: string): string | undefined =>
    /DevTools listening on (ws:\S+)/.exec(text)?.[1];
  await said.until("the browser's DevTools", (text) => url(text) !== undefined);
  const found = url(said.text);
  if (found === undefined) {
    throw new Error(`the browser has ended: ${said.text.slice(-4096)}`);
  }
  return found;
}

async function end(child: Deno.ChildProcess, profile: string): Promise<void> {
  try {
    await kill(child);
  } finally {
    // Its helper processes end a little later, and may still write there.
    await until("the browser's profile is removed", () => isRemoved(profile));
  }
}

async function isRemoved(folder: string): Promise<boolean> {
  try {
    await Deno.remove(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
}
