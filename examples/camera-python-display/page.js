// Draws the newest pictures, then asks for the next: while it draws, it skips what comes.

const RATE_MS = 2000;
const say = (id, text) => {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
};
const canvases = ["camera", "cartoon"].map((id) => document.getElementById(id));

function draw(bytes, width) {
  const height = bytes.byteLength / canvases.length / width / 4;
  canvases.forEach((canvas, i) => {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const size = 4 * width * height;
    const pixels = new Uint8ClampedArray(bytes, i * size, size);
    const picture = new ImageData(pixels, width, height);
    canvas.getContext("2d").putImageData(picture, 0, 0);
  });
}

/** The frames that came in the last seconds; all count, also those that the page has skipped. */
const recent = [];

function rate(frame) {
  const now = performance.now();
  recent.push({ now, frame });
  while (now - recent[0].now > RATE_MS) recent.shift();
  const [first] = recent;
  if (now - first.now < RATE_MS / 4) return "";
  const perSecond = 1000 * (frame - first.frame) / (now - first.now);
  return `${perSecond.toFixed(0)} frames per second`;
}

async function next() {
  const response = await fetch("picture");
  if (response.status === 204) {
    return say("state", "No picture has come for ten seconds.");
  }
  if (!response.ok) throw new Error(`${response.status}`);
  const number = (name) => Number(response.headers.get(name));
  const bytes = await response.arrayBuffer();
  // A hidden page does not draw, so it asks for nothing.
  await new Promise(requestAnimationFrame);
  draw(bytes, number("width"));
  say("rate", rate(number("frame")));
  say("state", "");
}

try {
  while (true) await next();
} catch {
  say("rate", "");
  say(
    "state",
    "The host is gone. Start it again, and open the address that it prints.",
  );
}
