/**
 * The style sheet of the preview's page.
 *
 * @module
 */

/** CSS: light and dark, narrow and wide. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: light-dark(#f6f7f9, #14161a);
  --card: light-dark(#fff, #1d2026);
  --line: light-dark(#dfe2e8, #31353e);
  --text: light-dark(#1b1e24, #e8eaee);
  --soft: light-dark(#5b6270, #9aa2b1);
  --good: light-dark(#14743c, #5fd38d);
  --wait: light-dark(#8a5a00, #f0b64d);
  --bad: light-dark(#b3261e, #ff8a80);
  --host: light-dark(#2457c5, #8ab4ff);
  --client: light-dark(#7a3fb0, #cfa4ff);
}
* { box-sizing: border-box; margin: 0; }
body {
  background: var(--back);
  color: var(--text);
  font: 15px/1.45 system-ui, sans-serif;
  margin: 0 auto;
  max-width: 1360px;
  padding: 20px;
}
header {
  align-items: baseline;
  display: flex;
  flex-wrap: wrap;
  gap: 6px 20px;
  justify-content: space-between;
  margin-bottom: 16px;
}
h1 { font-size: 19px; font-weight: 650; }
h1 span { color: var(--soft); font-weight: 400; }
h2 { font-size: 15px; font-weight: 650; margin-bottom: 10px; }
h3 { font-size: 13px; font-weight: 600; margin-bottom: 6px; }
h3 span, .more, figcaption span, #why, #shown, caption { color: var(--soft); }
h3 span { font-weight: 400; }
section {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  margin-bottom: 16px;
  padding: 16px;
}
.state { display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: baseline; }
#state { --tone: var(--wait); color: var(--tone); }
#state[data-tone="good"] { --tone: var(--good); }
#state[data-tone="bad"] { --tone: var(--bad); }
#state[data-tone="over"] { --tone: var(--soft); }
#state::before {
  background: currentColor;
  border-radius: 50%;
  content: "";
  display: inline-block;
  height: 9px;
  margin-right: 7px;
  width: 9px;
}
.pictures { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
figure { min-width: 0; }
figcaption { font-size: 13px; margin-bottom: 6px; }
canvas { background: #000; border-radius: 6px; display: block; height: auto; width: 100%; }
.controls { align-items: center; display: flex; flex-wrap: wrap; gap: 6px 12px; font-size: 13px; grid-column: 1 / -1; }
button {
  background: none;
  border: 1px solid var(--line);
  border-radius: 6px;
  color: inherit;
  cursor: pointer;
  font: inherit;
  min-width: 84px;
  padding: 5px 12px;
}
button:hover { border-color: var(--soft); }
button[aria-pressed="true"] { background: var(--text); color: var(--card); }
button:disabled { color: var(--soft); cursor: default; }
:focus-visible { outline: 2px solid var(--host); outline-offset: 2px; }
.tiles { display: grid; gap: 12px 24px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
dt { color: var(--soft); font-size: 13px; }
dd b { font-size: 23px; font-variant-numeric: tabular-nums; font-weight: 600; }
.more { font-size: 13px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.connection { align-items: start; display: grid; gap: 20px 40px; }
.sides { display: grid; gap: 14px; }
.track { display: flex; flex-wrap: wrap; gap: 4px; list-style: none; padding: 0; }
.track li {
  border: 1px solid var(--line);
  border-radius: 99px;
  color: var(--soft);
  font: 12px/1.5 ui-monospace, monospace;
  padding: 2px 10px;
}
.track li[data-reached] { border-color: var(--good); color: var(--text); }
.track li[aria-current] { background: var(--good); border-color: var(--good); color: var(--card); font-weight: 600; }
.track li[data-failed] { background: var(--bad); border-color: var(--bad); color: var(--card); }
table { border-collapse: collapse; font-size: 14px; width: 100%; }
caption { font-size: 13px; padding-bottom: 6px; text-align: left; }
th { color: var(--soft); font-size: 12px; font-weight: 500; text-align: left; }
th, td { border-top: 1px solid var(--line); padding: 5px 12px 5px 0; vertical-align: baseline; }
td:first-child { font-size: 13px; width: 4.2em; }
.when { font-variant-numeric: tabular-nums; padding-right: 0; text-align: right; white-space: nowrap; }
tr[data-next] td { color: var(--wait); }
tr[data-later] td { color: var(--soft); }
.bar { display: none; }
.bar i { background: var(--side); border-radius: 2px; display: block; height: 8px; min-width: 2px; position: relative; }
tr[data-side="host"] { --side: var(--host); }
tr[data-side="client"] { --side: var(--client); }
tr[data-side] td:first-child { color: var(--side); }
@media (min-width: 900px) {
  .connection { grid-template-columns: minmax(300px, 2fr) 5fr; }
  .bar { display: table-cell; padding-right: 20px; width: 40%; }
}
`;
