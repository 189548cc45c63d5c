import { assert, assertEquals } from "@std/assert";
import type { PageProcess } from "../helpers/page_process.ts";
import type { Browser } from "./browser.ts";
import {
  brightnessOf,
  type Look,
  lookAt,
  numberIn,
  overhang,
  pageTest,
  textOf as text,
} from "./tested_browser.ts";

/** Tests the preview's page in a real browser. */

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

function previewTest(
  name: string,
  body: (
    browser: Browser,
    demo: PageProcess,
    t: Deno.TestContext,
  ) => Promise<void>,
): void {
  pageTest(name, async (browser, _, t) => {
    const { PageProcess } = await import("../helpers/page_process.ts");
    await using demo = await PageProcess.demo();
    await browser.open(demo.url);
    await body(browser, demo, t);
  });
}

previewTest(
  "the preview in a browser: ready, pictures that move, and its end",
  async (browser, demo, t) => {
    await browser.until(`${text("state")} === "ready"`);
    await browser.until(`/^frame /.test(${text("shown")})`);

    await t.step("both canvases have a picture, and change", async () => {
      const first = await browser.evaluate<Look>(lookAt("in"));
      assertEquals([first.width, first.height], [640, 360]);
      assert(first.colours > 500, `only ${first.colours} colours`);
      const out = await browser.evaluate<Look>(lookAt("out"));
      assert(out.colours > 500, `only ${out.colours} colours`);
      assert(out.sum !== first.sum);
      await browser.until(`${lookAt("in")}.sum !== ${first.sum}`);
      await browser.until(`${lookAt("out")}.sum !== ${out.sum}`);
    });

    await t.step("states, steps and numbers are there", async () => {
      await browser.until(`${numberIn("verified")} > 10`);
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
      const still = await browser.evaluate<Look>(lookAt("in"));
      const later = await browser.evaluate<number>(numberIn("verified"));
      await browser.until(`${numberIn("verified")} > ${later + 15}`);
      assertEquals(await browser.evaluate<Look>(lookAt("in")), still);
      await browser.press(" ", 32);
      await browser.until(`${lookAt("in")}.sum !== ${still.sum}`);
    });

    for (const width of [320, 400, 1400]) {
      await t.step(`nothing sticks out at ${width}`, async () => {
        await browser.view({ width, height: 900, scheme: "dark" });
        assertEquals(await overhang(browser), 0);
      });
    }

    await t.step("dark is dark", async () => {
      const dark = await brightnessOf(browser);
      await browser.view({ width: 1400, height: 900, scheme: "light" });
      const light = await brightnessOf(browser);
      assert(dark < 150 && light > 600, `${dark}, ${light}`);
    });

    await t.step("the end is said, and the last picture stays", async () => {
      const { code } = await demo.interrupt();
      assertEquals(code, 0, demo.stderr());
      await browser.until(`${text("state")} === "ended"`);
      const { colours } = await browser.evaluate<Look>(lookAt("out"));
      assert(colours > 500);
    });
    assertEquals(browser.console, []);
  },
);

previewTest(
  "the preview in a browser: a client that is killed is said",
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
