/** What the tests of pages need, and how they look at a canvas. Without a browser they are ignored, with the reason. */

import { permittedTest } from "../helpers/permitted.ts";
import { prepared } from "../helpers/preparation.ts";
import type { Browser, BrowserProgram } from "./browser.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  service: true,
} as const;

let program: BrowserProgram | undefined;
let lacking: string | undefined;
if (["run", "read", "write", "env", "net"].every(isGranted)) {
  const { findBrowser } = await import("./found_browser.ts");
  try {
    program = await prepared("a browser", findBrowser());
  } catch (error) {
    lacking = (error as Error).message;
  }
}

function isGranted(name: string): boolean {
  const query = { name } as Deno.PermissionDescriptor;
  return Deno.permissions.querySync(query).state === "granted";
}

/** Registers a test that gets a browser, and the path of a STREAMLIB_HOME of its own. */
export function pageTest(
  name: string,
  body: (browser: Browser, home: string, t: Deno.TestContext) => Promise<void>,
  alsoLacking?: string,
): void {
  permittedTest(
    name,
    { ...NEEDS, lacking: lacking ?? alsoLacking },
    async (t) => {
      const { isolatedHome } = await import("../helpers/home.ts");
      const { Browser } = await import("./browser.ts");
      using home = isolatedHome();
      await using browser = await Browser.start(program!);
      await browser.view({ width: 1400, height: 900, scheme: "light" });
      await body(browser, home.path, t);
    },
  );
}

/** A checksum of a canvas, and its number of colours. */
export interface Look {
  readonly width: number;
  readonly height: number;
  readonly sum: number;
  readonly colours: number;
}

/** Returns the expression whose value is the {@link Look} of a canvas. */
export function lookAt(canvas: string): string {
  return `(() => {
    const { width, height } = document.getElementById("${canvas}");
    const { data } = document.getElementById("${canvas}").getContext("2d")
      .getImageData(0, 0, width, height);
    const words = new Uint32Array(data.buffer);
    let sum = 0;
    for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
    return { width, height, sum, colours: new Set(words).size };
  })()`;
}

/** Returns the expression whose value is the text of an element. */
export function textOf(id: string): string {
  return `document.getElementById("${id}").textContent`;
}

/** Returns the expression whose value is the number that an element shows, as "1,234". */
export function numberIn(id: string): string {
  return `Number(${textOf(id)}.replaceAll(",", ""))`;
}

/** Returns how many pixels the page is wider than its window. */
export function overhang(browser: Browser): Promise<number> {
  return browser.evaluate("document.documentElement.scrollWidth - innerWidth");
}

/** Returns the sum of the background's red, green and blue. */
export async function brightnessOf(browser: Browser): Promise<number> {
  const back = await browser.evaluate<string>(
    "getComputedStyle(document.body).backgroundColor",
  );
  return back.match(/\d+/g)!.slice(0, 3).reduce((all, one) => all + +one, 0);
}
