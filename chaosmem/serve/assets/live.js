// A run in progress. The server sends the whole picture once and then what is new; this file draws
// it, and sends the forms without leaving the page. Text goes in as text, never as markup.
"use strict";

const HEIGHT = 176, KEPT = 300;
const DASHES = { main: [], second: [], soft: [], fault: [5, 4] };
const GLYPHS = { running: "●", preparing: "○", killed: "■", ended: "–" };
const host = document.getElementById("page");
const by = (id) => document.getElementById(id);
let picture = null, tables = {}, charts = [], plots = new Map(), zero = 0, asked = false;

// --- the head

function say(id, text) {
  if (by(id).textContent !== text) by(id).textContent = text;
}

function head() {
  const going = picture.state === "running" || picture.state === "preparing";
  say("state", picture.state);
  say("glyph", GLYPHS[picture.state] || "–");
  by("head").className = "verdict " + picture.state;
  document.title = picture.state + document.title.slice(document.title.indexOf(":"));
  say("where", picture.trial
    ? `trial ${picture.number} of ${picture.trials} · ${picture.trial} · ${picture.target}` : "");
  say("says", picture.says || picture.ended);
  by("waits").hidden = !picture.waits || !going;
  say("waits", picture.waits);
  if (by("acts")) by("acts").hidden = !going;
  by("over").hidden = going;
  by("phases").replaceChildren(...picture.phases.map(phase));
  by("faults").replaceChildren(...picture.faults.map(fault));
  by("lanes").replaceChildren(...picture.lanes.map(lane));
  if (!going) stream.close();
}

function phase(p) {
  const state = p.ended !== null ? "done" : p.began !== null ? "now" : "next";
  const item = make("li", state);
  item.append(make("span", "name", p.name), " ", make("span", "muted", humanSeconds(p.seconds)));
  if (state === "now") item.setAttribute("aria-current", "step");
  return item;
}

function fault(f) {
  const item = make("li", f.state.toLowerCase().replace(/ /g, "-"));
  item.append(make("span", "badge", f.state), " ", f.does);
  if (f.error) item.append(" ", make("span", "muted", f.error));
  return item;
}

function lane(l) {
  const link = make("a", "", l.target + " ");
  link.href = host.dataset.home + "/live?trial=" + encodeURIComponent(l.key);
  if (l.key === picture.trial) link.setAttribute("aria-current", "true");
  link.append(make("span", "muted", l.arm));
  return link;
}

function lines(fresh, whole) {
  const rows = fresh.map((s) => {
    const row = make("tr", s.kind === "control" || s.kind === "note" ? "problem" : "");
    row.append(make("td", "n", s.t.toFixed(2) + " s"), make("td", "", s.trial), make("td", "", s.text));
    return row;
  }).reverse();
  if (whole) by("events").replaceChildren(...rows);
  else by("events").prepend(...rows);
  while (by("events").rows.length > KEPT) by("events").lastElementChild.remove();
  const answer = fresh.filter((s) => s.kind === "control").pop();
  if (!whole && answer && by("answer")) say("answer", answer.text);
}

function clock() {
  if (!picture || picture.state !== "running") return say("clock", "");
  const now = performance.now() / 1000 - zero;
  const at = picture.phases.find((p) => p.began !== null && p.ended === null);
  const left = at && !picture.waits ? Math.max(0, at.seconds - (now - at.began)) : null;
  say("clock", `${now.toFixed(0)} s` + (at ? ` · ${at.name}` : "") +
    (left === null ? "" : `, ${left.toFixed(0)} s left`));
}

// --- the charts

function has(line) {
  const column = tables[line.table] && tables[line.table][line.at];
  return !!column && column.some((v) => v !== null && (line.role !== "fault" || v !== 0));
}

// The columns of a chart's lines, on one row of times: tables have times of their own.
function columns(found) {
  const groups = new Map();
  for (const line of found) {
    if (!groups.has(line.table)) groups.set(line.table, [tables[line.table][0]]);
    groups.get(line.table).push(tables[line.table][line.at]);
  }
  return uPlot.join([...groups.values()]);
}

function shades() {
  const now = performance.now() / 1000 - zero;
  return picture.faults.filter((f) => f.applied !== null && !/load/.test(f.id))
    .map((f) => [f.applied, f.undone === null ? now : f.undone]);
}

function under(u) {
  const left = (t) => Math.min(Math.max(u.valToPos(t, "x", true), u.bbox.left), u.bbox.left + u.bbox.width);
  const spans = shades();
  u.ctx.save();
  if (spans.length) {
    const from = left(Math.min(...spans.map((s) => s[0]))), to = left(Math.max(...spans.map((s) => s[1])));
    u.ctx.fillStyle = color("shade");
    u.ctx.fillRect(from, u.bbox.top, Math.max(0, to - from), u.bbox.height);
  }
  u.ctx.strokeStyle = color("rule-strong");
  u.ctx.fillStyle = color("muted");
  u.ctx.font = `${11 * uPlot.pxRatio}px system-ui, sans-serif`;
  for (const p of picture.phases) {
    if (p.began === null) continue;
    const at = Math.round(left(p.began)) + 0.5;
    u.ctx.beginPath();
    u.ctx.moveTo(at, u.bbox.top);
    u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    if (left(p.ended === null ? u.scales.x.max : p.ended) - at > u.ctx.measureText(p.name).width + 8) {
      u.ctx.fillText(p.name, at + 4 * uPlot.pxRatio, u.bbox.top + 11 * uPlot.pxRatio);
    }
  }
  u.ctx.restore();
}

function axis(extra) {
  return { stroke: color("muted"), font: "11px system-ui, sans-serif",
    grid: { stroke: color("rule"), width: 1 }, ticks: { stroke: color("rule"), width: 1, size: 4 }, ...extra };
}

const BYTE_STEPS = [];
for (let unit = 1; unit <= 2 ** 50; unit *= 1024) {
  for (let i = 1; i < 1024; i *= 2) BYTE_STEPS.push(unit * i);
}

function options(chart, found) {
  return {
    width: Math.max(by("charts").clientWidth, 240), height: HEIGHT, padding: [8, 12, 0, 0],
    scales: { x: { time: false }, y: { range: (u, low, high) => [Math.min(0, low || 0), (high || 1) * 1.08] } },
    axes: [axis({ size: 26, values: (u, splits) => splits.map((v) => v + " s") }),
      axis({ size: 66, incrs: chart.unit === "By" ? BYTE_STEPS : undefined,
             values: (u, splits) => splits.map((v) => tick(v, chart.unit)) })],
    series: [{ label: "t" }, ...found.map((line) => ({
      label: line.label, stroke: color("line-" + line.role), width: line.role === "soft" ? 1 : 1.6,
      dash: DASHES[line.role], spanGaps: true, points: { show: false },
      paths: line.step ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      value: (u, v, i) => human(v ?? lastOf(u.data[i]), chart.unit),
    }))],
    cursor: { sync: { key: "live" }, y: false, drag: { x: false, y: false } },
    legend: { live: true },
    hooks: { drawClear: [under] },
  };
}

function lastOf(column) {
  for (let i = column.length - 1; i >= 0; i -= 1) if (column[i] != null) return column[i];
  return null;
}

function draw() {
  let any = false;
  for (const chart of charts) {
    const found = chart.lines.filter(has);
    const names = found.map((line) => line.label).join();
    let plot = plots.get(chart.id);
    if (plot && plot.names !== names) {
      plot.u.destroy();
      plot.figure.remove();
      plots.delete(chart.id);
      plot = undefined;
    }
    if (!found.length) continue;
    any = true;
    const sorted = found.slice().sort((a, b) => a.table.localeCompare(b.table));
    const data = columns(sorted);
    if (plot) {
      plot.u.setData(data);
      plot.u.setLegend({ idx: null });
      describe(plot, chart, sorted);
      continue;
    }
    const figure = make("figure", "chart");
    figure.dataset.chart = chart.id;
    figure.setAttribute("role", "img");
    figure.append(make("figcaption", "", chart.title));
    place(figure, chart);
    plot = { names, figure, u: new uPlot(options(chart, sorted), data, figure) };
    plots.set(chart.id, plot);
    describe(plot, chart, sorted);
  }
  by("none").hidden = any;
}

// Charts keep their order whichever has numbers first.
function place(figure, chart) {
  const order = charts.map((c) => c.id);
  const after = [...by("charts").children].find((f) => order.indexOf(f.dataset.chart) > order.indexOf(chart.id));
  by("charts").insertBefore(figure, after || null);
}

function describe(plot, chart, found) {
  const values = found.map((line) => line.label + " " + human(lastOf(tables[line.table][line.at]), chart.unit));
  plot.figure.setAttribute("aria-label", `${chart.title} now: ${values.join(", ")}`);
}

let drawing = false;
function redraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

function anew() {
  for (const plot of plots.values()) { plot.u.destroy(); plot.figure.remove(); }
  plots.clear();
  redraw();
}
redrawn.push(anew);
addEventListener("resize", () => {
  for (const plot of plots.values()) plot.u.setSize({ width: Math.max(by("charts").clientWidth, 240), height: HEIGHT });
});

// --- the stream

function take(message) {
  if (message.now !== null) zero = performance.now() / 1000 - message.now;
  if (message.picture) { picture = message.picture; head(); }
  clock();
}

const stream = new EventSource(host.dataset.home + "/events?trial=" + encodeURIComponent(host.dataset.trial));
stream.addEventListener("whole", (event) => {
  const message = JSON.parse(event.data);
  tables = message.groups;
  charts = message.charts;
  lines(message.lines, true);
  take(message);
  redraw();
});
stream.addEventListener("delta", (event) => {
  const message = JSON.parse(event.data);
  for (const [name, fresh] of Object.entries(message.groups || {})) {
    if (!tables[name]) { tables[name] = fresh; continue; }
    fresh.forEach((column, i) => { for (const value of column) tables[name][i].push(value); });
  }
  if (message.lines) lines(message.lines, false);
  take(message);
  redraw();
});
stream.addEventListener("open", () => { by("lost").hidden = true; });
stream.addEventListener("error", () => {
  by("lost").hidden = !picture || (picture.state !== "running" && picture.state !== "preparing");
});
addEventListener("pagehide", () => stream.close());
setInterval(clock, 500);

// --- the acts

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form));
  if (button && button.name) fields.set(button.name, button.value);
  fields.set("by", by("by").value);
  const what = fields.get("act") || "note";
  say("answer", `Asked for: ${what}. Waiting for the runner.`);
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) say("answer", `Not done: ${told.error}${told.hint ? ` (${told.hint})` : ""}`);
    else if (what === "note") form.querySelector("[name=text]").value = "";
  } catch {
    say("answer", `Not sent: the server does not answer. Without it: kill -INT ${picture ? picture.pid : "PID"} aborts the run.`);
  }
}

if (by("by")) {
  try { by("by").value = localStorage.getItem("chaosmem-by") || ""; } catch { /* may be forbidden */ }
  by("by").addEventListener("change", () => {
    try { localStorage.setItem("chaosmem-by", by("by").value); } catch { /* may be forbidden */ }
  });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.closest("#acts") === null) return;
  event.preventDefault();
  const button = event.submitter;
  if (form.id === "abort" && !asked) {
    asked = true;
    button.textContent = "Press again to abort";
    setTimeout(() => { asked = false; button.textContent = "Abort"; }, 30000);
    return;
  }
  send(form, button);
});
