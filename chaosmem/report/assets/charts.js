// The time lines of one trial: uPlot charts on one clock, cursor and zoom in step.
"use strict";

const BYTE_STEPS = [];
for (let unit = 1; unit <= 2 ** 50; unit *= 1024) {
  for (let i = 1; i < 1024; i *= 2) BYTE_STEPS.push(unit * i);
}
const HEIGHT = 170, TALL = 260; // px
const DASHES = { fault: [5, 4], limit: [10, 4] };

function axis(extra) {
  return {
    stroke: color("muted"), font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif",
    grid: { stroke: color("rule"), width: 1 }, ticks: { stroke: color("rule"), width: 1, size: 4 },
    ...extra,
  };
}

// Which point a hover reads: of a step the one that still holds, of a line the nearest. Charts join
// series of different clocks, so points may be absent (undefined).
function readAt(lines) {
  return (u, i, nearest, x) => {
    if (i === 0) return nearest;
    const times = u.data[0], values = u.data[i];
    let before = nearest, after = nearest;
    while (before >= 0 && (values[before] == null || times[before] > x)) before -= 1;
    if (lines[i - 1].step) return before < 0 ? null : before;
    while (after < times.length && (values[after] == null || times[after] < x)) after += 1;
    if (before < 0 || after >= times.length) return before < 0 ? after : before;
    return x - times[before] <= times[after] - x ? before : after;
  };
}

function seriesOf(chart, raw) {
  return chart.lines.map((line, i) => {
    const plain = line.area || line.role === "edge";
    const stroke = color(plain ? line.role : "line-" + line.role);
    return {
      label: line.label, stroke,
      width: line.area ? 0.5 : line.role === "soft" ? 1 : 1.6,
      fill: line.area ? stroke : undefined,
      dash: (!line.area && DASHES[line.role]) || [],
      paths: line.step ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: { show: false },
      value: (u, v, at, k) => human(k == null ? null : raw[i + 1][k], chart.unit),
    };
  });
}

function options(data, chart, width, group, on, raw, bands) {
  const unit = chart.unit;
  const height = chart.lines.some((line) => line.area) ? TALL : HEIGHT;
  return {
    width, height, bands,
    padding: [8, 12, 0, 0],
    scales: {
      x: { time: false },
      y: { range: (u, low, high) => [Math.min(0, low || 0), (high || 1) * 1.08] },
    },
    axes: [
      axis({ size: 26, values: (u, splits) => splits.map((v) => v + " s") }),
      axis({ size: 66, incrs: unit === "By" ? BYTE_STEPS : undefined,
             values: (u, splits) => splits.map((v) => tick(v, unit)) }),
    ],
    series: [{ label: "t", value: (u, v) => (v === null ? "–" : v.toFixed(2) + " s") }, ...seriesOf(chart, raw)],
    cursor: { sync: { key: group, scales: ["x", null] }, y: false, drag: { x: true, y: false },
              points: { size: 7 }, dataIdx: readAt(chart.lines) },
    hooks: { setCursor: [on.cursor], setScale: [on.scale] },
    plugins: [marks(data, chart)],
  };
}

function timeLines(host, data, live, group) {
  const plots = [];
  const clock = make("output", "clock");
  const bar = make("div", "ribbon-bar");
  const phases = ribbon(data);
  const told = make("p", "marked");
  bar.append(phases.host, clock, told);
  host.replaceChildren(bar);

  function moved(u) {
    const t = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
    const reach = ((u.scales.x.max - u.scales.x.min) / Math.max(u.width, 1)) * 6;
    clock.textContent = t === null ? "" : t.toFixed(2) + " s · " + whatIsAt(data, t, reach);
  }
  function zoomed(u, key) {
    if (key === "x" && u.scales.x.max > u.scales.x.min) phases.place(u.scales.x.min, u.scales.x.max);
  }
  function say(u) {
    const values = u.series.slice(1).map((s, i) => s.label + " " +
      human(u.raw[i + 1][u.cursor.idxs[i + 1]], u.unit));
    live.textContent = clock.textContent + "; " + values.join(", ");
  }
  function cursorTo(t) {
    for (const u of plots) u.setCursor({ left: u.valToPos(t, "x"), top: 20 }, true);
  }
  function zoom(start, end) {
    for (const u of plots) u.setScale("x", { min: start, max: end });
  }
  // Marks an interval (null: none) and says in words whose it is; `on` is the chart that shows it.
  function mark(interval, on, words) {
    data.marked = interval && [...interval, on];
    told.textContent = interval ? words + " · Esc clears" : "";
    for (const u of plots) u.redraw(false);
    if (interval) live.textContent = "Marked: " + words;
  }
  function pressed(event, u) {
    const times = u.data[0], step = event.shiftKey ? 10 : 1;
    const at = u.cursor.idx ?? 0;
    const wanted = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: times.length - 1 }[event.key];
    if (event.key === "Escape") { mark(null); zoom(0, data.seconds); cursorTo(-1e9); return; }
    if (wanted === undefined) return;
    event.preventDefault();
    cursorTo(times[Math.max(0, Math.min(times.length - 1, wanted))]);
    say(u);
  }
  const width = () => Math.max(host.clientWidth, 240);
  for (const chart of data.charts) {
    const figure = make("figure", "chart");
    figure.tabIndex = 0;
    figure.id = group + "-chart-" + chart.id;
    figure.dataset.chart = chart.id;
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", chart.title + " over time: " +
      chart.lines.map((l) => l.label).join(", ") + ". Arrow keys read values.");
    figure.append(make("figcaption", "", chart.title));
    host.append(figure);
    const raw = uPlot.join(chart.groups), [drawn, bands] = pile(chart, raw);
    const on = { cursor: moved, scale: zoomed };
    const u = new uPlot(options(data, chart, width(), group, on, raw, bands), drawn, figure);
    u.raw = raw;
    u.unit = chart.unit;
    u.setScale("x", { min: 0, max: data.seconds });
    figure.addEventListener("keydown", (event) => pressed(event, u));
    u.over.addEventListener("dblclick", () => { mark(null); zoom(0, data.seconds); });
    plots.push(u);
  }
  return {
    plots, zoom, cursorTo, mark,
    resize() { for (const u of plots) u.setSize({ width: width(), height: u.height }); },
    destroy() { for (const u of plots) u.destroy(); host.replaceChildren(); },
  };
}
