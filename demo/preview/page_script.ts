/**
 * The script of the preview's page.
 *
 * @module
 */

/** A JavaScript module: listens for states, and asks for a picture when it has drawn the last. */
export const PAGE_SCRIPT = `
const HOST_STATES = ["pending", "alive", "xpc_ready", "acked"];
const CLIENT_STATES = ["pending", "alive", "waiting_for_endpoint", "xpc_endpoint_received", "acked"];
const AGAIN_MS = 1000;

const id = (name) => document.getElementById(name);
/** Updates only what changed, so that screen readers and text selections are not disturbed. */
const put = (name, text) => {
  const node = id(name);
  if (node.textContent !== text) node.textContent = text;
};
const milliseconds = (us) => (us / 1000).toFixed(us < 10000 ? 2 : 1);
const frames = (count) => count.toLocaleString("en-US");

// ---- the states ----

let status;

function tone() {
  if (status.demo === "ended") return "over";
  if (status.demo === "failed" || status.derived_state === "failed") return "bad";
  if (status.derived_state === "closed") return "over";
  return status.derived_state === "ready" ? "good" : "waiting";
}

function say(state, tone, why) {
  put("state", state);
  id("state").dataset.tone = tone;
  put("why", why);
}

function track(name, order, state) {
  const list = id(name);
  const failed = state === "failed";
  const shown = failed ? [...order, "failed"] : order;
  const at = shown.indexOf(state);
  if (list.childElementCount !== shown.length) {
    list.replaceChildren(...shown.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  }
  [...list.children].forEach((item, i) => {
    item.toggleAttribute("data-reached", !failed && i <= at);
    item.toggleAttribute("data-failed", failed && i === at);
    if (i === at) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

function cell(text, name) {
  const node = document.createElement("td");
  node.textContent = text;
  if (name) node.className = name;
  return node;
}

let drawnSteps = "";

function steps() {
  const text = JSON.stringify([status.steps, status.why, status.demo]);
  if (text === drawnSteps) return;
  drawnSteps = text;
  const next = status.steps.findIndex((step) => step.at_ms === null);
  const whole = Math.max(1, ...status.steps.map((step) => step.at_ms ?? 0));
  let before = 0;
  id("steps").replaceChildren(...status.steps.map((step, i) => {
    const row = document.createElement("tr");
    row.dataset.side = step.side;
    const bar = cell("", "bar");
    let when = "–";
    let words = step.done;
    if (step.at_ms !== null) {
      const span = document.createElement("i");
      span.style.left = 100 * before / whole + "%";
      span.style.width = 100 * (step.at_ms - before) / whole + "%";
      bar.append(span);
      before = step.at_ms;
      when = Math.round(step.at_ms) + " ms";
    } else if (i === next && status.demo === "running") {
      row.toggleAttribute("data-next", true);
      when = "waiting";
      if (status.why) words += ": not yet, " + status.why;
    } else {
      row.toggleAttribute("data-later", true);
    }
    row.append(cell(step.side), cell(words), bar, cell(when, "when"));
    return row;
  }));
}

function show() {
  const s = status;
  say(s.demo === "running" ? s.derived_state : s.demo, tone(), tone() === "good" && !s.why ? "frames flow" : s.why);
  put("input", s.input + ", " + s.size);
  put("fps", s.fps.toFixed(1));
  put("source-fps", "the film has " + s.source_fps);
  put("p50", s.latency_us ? milliseconds(s.latency_us.p50) : "–");
  put("p99", s.latency_us ? "p99 " + milliseconds(s.latency_us.p99) + " ms" : "");
  put("verified", frames(s.frames_verified));
  put("received", "of " + frames(s.frames_received) + " received");
  put("dropped", frames(s.frames_dropped));
  put("sent", frames(s.frames_sent) + " sent");
  put("copied", frames(s.pixel_bytes_copied_per_frame));
  put("handshake", s.handshake_ms === null ? "–" : s.handshake_ms.toFixed(0));
  put("handshake-more", s.handshake_without_process_start_ms === null ? ""
    : s.handshake_without_process_start_ms.toFixed(1) + " without the process's start");
  put("host-pid", "process " + s.pids.host);
  put("client-pid", s.pids.client ? "process " + s.pids.client : "not started yet");
  put("broker", !s.broker.service ? "" : s.broker.embedded
    ? "The broker is embedded in the host's process."
    : "The broker is " + s.broker.service + ".");
  put("path", !s.path ? "" : s.path === "lane"
    ? "The frames travel through a lane: memory that both processes share."
    : "The frames travel as dictionaries: one message for each.");
  track("host-track", HOST_STATES, s.host_state);
  track("client-track", CLIENT_STATES, s.client_state);
  steps();
}

const isOver = () => status !== undefined && status.demo !== "running";

const events = new EventSource("states");
events.onmessage = (event) => {
  status = JSON.parse(event.data);
  show();
  if (!isOver()) return;
  events.close();
  button.disabled = true;
};
events.onerror = () => {
  if (isOver()) return events.close();
  say("no answer", "bad", "the demo does not answer; the page tries again");
  if (events.readyState === EventSource.CLOSED) {
    put("why", "the demo is gone; start it again, and open the address that it prints");
  }
};

// ---- the pictures ----

let sequence = 0;
let frozen = false;
let unfreeze = () => {};
const contexts = ["in", "out"].map((name) => id(name).getContext("2d"));

function draw(bytes, width, height) {
  const size = width * height * 4;
  contexts.forEach((context, i) => {
    const { canvas } = context;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const pixels = new Uint8ClampedArray(bytes, i * size, size);
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  });
}

async function next() {
  const response = await fetch("picture?after=" + sequence);
  if (response.status === 204) return;
  if (!response.ok) throw new Error("no picture");
  const number = (name) => Number(response.headers.get(name));
  const bytes = await response.arrayBuffer();
  // A hidden page draws no frames, so it requests none.
  await new Promise(requestAnimationFrame);
  draw(bytes, number("x-width"), number("x-height"));
  sequence = number("x-sequence");
  put("shown", "frame " + frames(number("x-frame")));
}

const button = id("freeze");
button.onclick = () => {
  frozen = !frozen;
  button.setAttribute("aria-pressed", String(frozen));
  if (!frozen) unfreeze();
};

while (!isOver()) {
  if (frozen) await new Promise((resolve) => unfreeze = resolve);
  try {
    await next();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
`;
