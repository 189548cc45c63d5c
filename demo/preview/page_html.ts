/**
 * The preview's page. It is text in a module, because a package has no other files.
 *
 * @module
 */

/** HTML; its numbers are filled in by `page_script.ts`. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>StreamLib Bridge preview</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
</head>
<body>
<header>
  <h1>StreamLib Bridge <span>demo preview</span></h1>
  <p class="state" role="status" aria-live="polite">
    <strong id="state" data-tone="waiting">connecting</strong>
    <span id="why">the page asks the demo how it is</span>
  </p>
</header>
<main>
  <section class="pictures" aria-label="Pictures">
    <figure>
      <figcaption><b>In</b> <span id="input"></span></figcaption>
      <canvas id="in" width="640" height="360" role="img"
        aria-label="The picture that the host sends"></canvas>
    </figure>
    <figure>
      <figcaption><b>Out</b> <span id="output">edges, found in another process</span></figcaption>
      <canvas id="out" width="640" height="360" role="img"
        aria-label="The same picture as it came back: its edges, and a histogram"></canvas>
    </figure>
    <p class="controls">
      <button id="freeze" type="button" aria-pressed="false">Freeze</button>
      <span id="shown">no picture yet</span>
    </p>
  </section>
  <section aria-labelledby="numbers-title">
    <h2 id="numbers-title">Frames</h2>
    <dl class="tiles">
      <div><dt>Speed</dt><dd><b id="fps">–</b> frames/s</dd><dd class="more" id="source-fps"></dd></div>
      <div><dt>Round trip</dt><dd><b id="p50">–</b> ms</dd><dd class="more" id="p99"></dd></div>
      <div><dt>Verified</dt><dd><b id="verified">–</b></dd><dd class="more" id="received"></dd></div>
      <div><dt>Dropped</dt><dd><b id="dropped">–</b></dd><dd class="more" id="sent"></dd></div>
      <div><dt>Pixels copied</dt><dd><b id="copied">–</b> bytes</dd><dd class="more">a frame, between the processes</dd></div>
      <div><dt>Handshake</dt><dd><b id="handshake">–</b> ms</dd><dd class="more" id="handshake-more"></dd></div>
    </dl>
  </section>
  <section aria-labelledby="connection-title">
    <h2 id="connection-title">Connection</h2>
    <div class="connection">
    <div class="sides">
      <div><h3>Host <span id="host-pid"></span></h3><ol class="track" id="host-track" aria-label="States of the host"></ol></div>
      <div><h3>Client <span id="client-pid"></span></h3><ol class="track" id="client-track" aria-label="States of the client"></ol></div>
      <p class="more" id="broker"></p>
      <p class="more" id="path"></p>
    </div>
    <table>
      <caption>From the launch to the first frame</caption>
      <thead><tr><th scope="col">Who</th><th scope="col">What was done</th><td class="bar"></td><th scope="col" class="when">At</th></tr></thead>
      <tbody id="steps"></tbody>
    </table>
    </div>
  </section>
</main>
<noscript><p>The preview needs JavaScript.</p></noscript>
</body>
</html>
`;
