import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasPython } from "../../tools/install/python.ts";
import { prepare } from "../helpers/preparation.ts";
import {
  brightnessOf,
  type Look,
  lookAt,
  overhang,
  pageTest,
  textOf,
} from "./tested_browser.ts";

/** Tests the page of `examples/camera-python-display` in a real browser, by the command of its README. */

const EXAMPLE = "camera-python-display";
const HAS_PYTHON = hasPython();
if (HAS_PYTHON) {
  prepare(`the Python packages of ${EXAMPLE}`, async () => {
    const { exampleEnvironment } = await import(
      "../helpers/example_commands.ts"
    );
    await exampleEnvironment(EXAMPLE);
  });
}

/** What the page has for the camera's picture and for the cartoon: 2 of 640x360 in RGBA. */
const PAIR_BYTES = 2 * 4 * 640 * 360;

pageTest(
  "camera-python-display in a browser: the cartoon beside the camera's picture, live, and a clean end",
  async (browser, home, t) => {
    const { commandsOf, exampleVariables } = await import(
      "../helpers/example_commands.ts"
    );
    const { PageProcess } = await import("../helpers/page_process.ts");
    const [command] = await commandsOf(EXAMPLE);
    const args = command!.toSpliced(1, 0, "--no-prompt", "--quiet");
    await using program = await PageProcess.start(
      args,
      { stream: "stdout", before: "Open" },
      exampleVariables(home),
    );
    await browser.open(program.url);
    await browser.until(`/ frames per second$/.test(${textOf("rate")})`);

    await t.step("the cartoon has few colours, the camera many", async () => {
      const camera = await browser.evaluate<Look>(lookAt("camera"));
      const cartoon = await browser.evaluate<Look>(lookAt("cartoon"));
      for (const { width, height } of [camera, cartoon]) {
        assertEquals([width, height], [640, 360]);
      }
      assert(camera.colours > 100, `the camera: ${camera.colours}`);
      assert(cartoon.colours >= 5, `the cartoon: ${cartoon.colours}`);
      assert(cartoon.colours <= 12, `the cartoon: ${cartoon.colours}`);
    });

    await t.step("both pictures move", async () => {
      for (const canvas of ["camera", "cartoon"]) {
        const { sum } = await browser.evaluate<Look>(lookAt(canvas));
        await browser.until(`${lookAt(canvas)}.sum !== ${sum}`);
      }
    });

    await t.step("pictures have words, and news is read aloud", async () => {
      const words = await browser.evaluate<string[]>(
        `[...document.querySelectorAll("canvas")].map((c) => c.ariaLabel)`,
      );
      assertEquals(words, [
        "The cartoon of the camera's picture",
        "The camera's picture",
      ]);
      assertEquals(
        await browser.evaluate(`document.getElementById("state").role`),
        "status",
      );
    });

    await t.step("narrow and wide, dark and light", async () => {
      for (const width of [320, 1400]) {
        await browser.view({ width, height: 900, scheme: "dark" });
        assertEquals(await overhang(browser), 0, `at ${width}`);
      }
      const dark = await brightnessOf(browser);
      await browser.view({ width: 1400, height: 900, scheme: "light" });
      const light = await brightnessOf(browser);
      assert(dark < 150 && light > 600, `${dark}, ${light}`);
    });

    await t.step("others do not get in", async () => {
      const status = async (url: string): Promise<number> => {
        const response = await fetch(url);
        await response.body?.cancel();
        return response.status;
      };
      const { origin, port, pathname } = new URL(program.url);
      assertEquals(await status(`${origin}/`), 403);
      assertEquals(await status(`${origin}/picture`), 403);
      assertEquals(await status(`http://localhost:${port}${pathname}`), 403);
    });

    await t.step("Ctrl-C ends it, and the page says so", async () => {
      const { code, stdout } = await program.interrupt();
      assertEquals(program.stderr(), "");
      assertEquals(code, 0);
      const [, last] = stdout.split("\n");
      assertMatch(last!, /^\d+ pictures, \d+ bytes of pixels copied$/);
      // Copied were those pairs alone that the page has asked for.
      const [pictures, bytes] = last!.match(/\d+/g)!.map(Number);
      assert(bytes! > 0 && bytes! <= pictures! * PAIR_BYTES, last);
      await browser.until(`/^The host is gone\\./.test(${textOf("state")})`);
      const { colours } = await browser.evaluate<Look>(lookAt("cartoon"));
      assert(colours <= 12);
    });
    // The browser itself reports the request to the host that was gone.
    const unexpected = browser.console.filter((line) =>
      !line.includes("net::ERR_")
    );
    assertEquals(unexpected, []);
  },
  HAS_PYTHON ? undefined : "no python3 with venv",
);
