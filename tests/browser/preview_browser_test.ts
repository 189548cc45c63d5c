import { assert, assertEquals } from "@std/assert";
import { permittedTest } from "../helpers/permitted.ts";
import { prepared } from "../helpers/preparation.ts";
import type { Browser, BrowserProgram } from "./browser.ts";

/** Tests the preview's page in a real browser. Without a browser the tests are ignored, with the reason. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
} as const;

let program: BrowserProgram | undefined;
let lacking: string | undefined;
if (Object.keys(NEEDS).every(isGranted)) {
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

/** A checksum of a canvas, and its number of colours. */
const LOOK = (canvas: string): string =>
  `(() => {
    const { width, height } = document.getElementById("${canvas}");
    const { data } = document.getElementById("${canvas}").getContext("2d")
      .getImageData(0, 0, width, height);
    const words = new Uint32Array(data.buffer);
    let sum = 0;
    for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
    return { width, height, sum, colours: new Set(words).size };
  })()`;

interface Look {
  width: number;
  height: number;
  sum: number;
  colours: number;
}

const text = (id: string): string =>
  `document.getElementById("${id}").textContent`;

/** Makes {@link AT_REST} true in the page when it has drawn the last picture that it requested. */
const WATCH_PICTURES = `(() => {
  const ask = fetch;
  globalThis.asked = { pictures: 0, shown: "" };
  globalThis.fetch = async (...what) => {
    asked.pictures++;
    asked.shown = ${text("shown")};
    const response = await ask(...what);
    if (response.status !== 200) asked.shown = undefined;
    return response;
  };
})()`;
const AT_REST = `asked.shown !== ${text("shown")}`;

function browserTest(
  name: string,
  args: string[],
  body: (
    browser: Browser,
    demo: import("../helpers/preview_process.ts").PreviewProcess,
    t: Deno.TestContext,
  ) => Promise<void>,
): void {
  permittedTest(
    name,
    { ...NEEDS, service: true, lacking },
    async (t) => {
      const { isolatedHome } = await import("../helpers/home.ts");
      const { PreviewProcess } = await import("../helpers/preview_process.ts");
      const { Browser } = await import("./browser.ts");
      using _ = isolatedHome();
      await using browser = await Browser.start(program!);
      await browser.view({ width: 1400, height: 900, scheme: "light" });
      await using demo = await PreviewProcess.start(...args);
      await browser.open(demo.url);
      await body(browser, demo, t);
    },
  );
}

browserTest(
  "the preview in a browser: ready, pictures that move, and its end",
  [],
  async (browser, demo, t) => {
    await browser.until(`${text("state")} === "ready"`);
    await browser.until(`/^frame /.test(${text("shown")})`);

    await t.step("both canvases have a picture, and change", async () => {
      const first = await browser.evaluate<Look>(LOOK("in"));
      assertEquals([first.width, first.height], [640, 360]);
      assert(first.colours > 500, `only ${first.colours} colours`);
      const out = await browser.evaluate<Look>(LOOK("out"));
      assert(out.colours > 500, `only ${out.colours} colours`);
      assert(out.sum !== first.sum);
      await browser.until(`${LOOK("in")}.sum !== ${first.sum}`);
      await browser.until(`${LOOK("out")}.sum !== ${out.sum}`);
    });

    await t.step("states, steps and numbers are there", async () => {
      await browser.until(`+${text("verified")} > 10`);
      assertEquals(await browser.evaluate(text("copied")), "0");
      assertEquals(await browser.evaluate(text("dropped")), "0");
      assertEquals(
        await browser.evaluate(text("path")),
        "The frames travel through a lane: memory that both processes share.",
      );
      for (const side of ["host", "client"]) {
        const current = `#${side}-track [aria-current]`;
        assertEquals(
          await browser.evaluate(
            `document.querySelector("${current}").textContent`,
          ),
          "acked",
        );
      }
      await browser.until(
        `[...document.querySelectorAll("#steps tr")].length === 10 &&
         [...document.querySelectorAll("#steps .when")].every((at) => / ms$/.test(at.textContent))`,
      );
    });

    await t.step(
      "what is waited for is read aloud, pictures have words",
      async () => {
        const [role, live, words] = await browser.evaluate<string[]>(
          `[document.getElementById("state").closest("[role]").role,
          document.getElementById("state").closest("[aria-live]").ariaLive,
          ...[...document.querySelectorAll("canvas")].map((c) => c.ariaLabel)]`,
        );
        assertEquals([role, live], ["status", "polite"]);
        assert(words);
      },
    );

    await t.step("frozen and let go by the keyboard alone", async () => {
      await browser.press("Tab", 9);
      assertEquals(
        await browser.evaluate("document.activeElement.id"),
        "freeze",
      );
      await browser.evaluate(WATCH_PICTURES);
      await browser.until("asked.pictures > 0");
      await browser.press(" ", 32);
      const pressed = `document.activeElement.getAttribute("aria-pressed")`;
      assertEquals(await browser.evaluate(pressed), "true");
      // The picture that was requested before still arrives.
      await browser.until(AT_REST);
      const still = await browser.evaluate<Look>(LOOK("in"));
      const later = await browser.evaluate<string>(text("verified"));
      await browser.until(`+${text("verified")} > ${later} + 15`);
      assertEquals(await browser.evaluate<Look>(LOOK("in")), still);
      await browser.press(" ", 32);
      await browser.until(`${LOOK("in")}.sum !== ${still.sum}`);
    });

    for (const width of [320, 400, 1400]) {
      await t.step(`nothing sticks out at ${width}`, async () => {
        await browser.view({ width, height: 900, scheme: "dark" });
        assertEquals(
          await browser.evaluate(
            "document.documentElement.scrollWidth - innerWidth",
          ),
          0,
        );
      });
    }

    await t.step("dark is dark", async () => {
      const back = "getComputedStyle(document.body).backgroundColor";
      const dark = await browser.evaluate<string>(back);
      await browser.view({ width: 1400, height: 900, scheme: "light" });
      const light = await browser.evaluate<string>(back);
      const sum = (rgb: string): number =>
        rgb.match(/\d+/g)!.slice(0, 3).reduce((all, one) => all + +one, 0);
      assert(sum(dark) < 150 && sum(light) > 600, `${dark}, ${light}`);
    });

    await t.step("the end is said, and the last picture stays", async () => {
      const { code } = await demo.interrupt();
      assertEquals(code, 0, demo.stderr());
      await browser.until(`${text("state")} === "ended"`);
      const { colours } = await browser.evaluate<Look>(LOOK("out"));
      assert(colours > 500);
    });
    assertEquals(browser.console, []);
  },
);

browserTest(
  "the preview in a browser: a client that is killed is said",
  [],
  async (browser, demo) => {
    await browser.until(`${text("state")} === "ready"`);
    const words = await browser.evaluate<string>(text("client-pid"));
    Deno.kill(Number(words.split(" ")[1]), "SIGKILL");
    await browser.until(`${text("state")} === "failed"`);
    const why = await browser.evaluate<string>(text("why"));
    assert(/SIGKILL/.test(why), why);
    assertEquals(
      await browser.evaluate(
        `document.querySelector("#client-track [aria-current]").textContent`,
      ),
      "failed",
    );
    assertEquals((await demo.ended()).code, 1);
  },
);
