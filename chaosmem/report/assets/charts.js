// The time lines of one trial: uPlot charts on one clock, cursor and zoom in step.
"use strict";

const BYTE_STEPS = [];
for (let unit = 1; unit <= 2 ** 50; unit *= 1024) {
  for (let i = 1; i < 1024; i *= 2) BYTE_STEPS.push(unit * i);
}
const HEIGHT = 170, TALL = 260; // px
const DASHES = { fault: [5, 4], limit: [10, 4] };

// What is at time t besides the values: its phase, and the GC cycle or capture next to it.
function whatIsAt(data, t, reach) {
  const phase = data.phases.find(([, start, end]) => t >= start && t < end);
  const near = (list) => {
    let best = null;
    for (const item of list) {
      const away = Math.abs(item[item.length - 1] - t);
      if (away <= reach && (best === null || away < best[0])) best = [away, item];
    }
    return best && best[1];
  };
  const cycle = near(data.cycles);
  const capture = near(data.captures.map(([at, name]) => [name, at]));
  return [phase && phase[0], cycle && "GC " + cycle[0], capture && capture[0]]
    .filter(Boolean).join(" · ");
}

// Everything that is drawn under and over the lines of a chart.
function marks(data, chart) {
  const x = (u, t) => u.valToPos(t, "x", true);
  const ratio = () => uPlot.pxRatio;
  function shade(u, from, to, fill) {
    const left = Math.max(x(u, from), u.bbox.left);
    const right = Math.min(x(u, to), u.bbox.left + u.bbox.width);
    u.ctx.fillStyle = fill;
    if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  }
  function upright(u, t, stroke, dash, width = 1) {
    const at = Math.round(x(u, t));
    if (at < u.bbox.left || at > u.bbox.left + u.bbox.width) return;
    u.ctx.strokeStyle = stroke;
    u.ctx.lineWidth = width * ratio();
    u.ctx.setLineDash(dash.map((d) => d * ratio()));
    u.ctx.beginPath();
    u.ctx.moveTo(at, u.bbox.top);
    u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.setLineDash([]);
  }
  function under(u) {
    u.ctx.save();
    if (data.fault) shade(u, data.fault[0], data.fault[1], color("shade"));
    if (chart.band) {
      const [low, high] = chart.band.map((v) => u.valToPos(v, "y", true));
      u.ctx.fillStyle = color("band");
      u.ctx.fillRect(u.bbox.left, high, u.bbox.width, Math.max(low - high, 3 * ratio()));
    }
    for (const [, start] of data.phases.slice(1)) upright(u, start, color("rule-strong"), [2, 3]);
    u.ctx.restore();
  }
  function ticks(u) {
    const bottom = u.bbox.top + u.bbox.height, height = 6 * ratio();
    u.ctx.fillStyle = color("gc");
    for (const [, t] of data.cycles) {
      const at = x(u, t);
      if (at < u.bbox.left || at > u.bbox.left + u.bbox.width) continue;
      u.ctx.fillRect(Math.round(at), bottom - height, Math.max(1, ratio()), height);
    }
  }
  function flags(u) {
    const size = 5 * ratio();
    u.ctx.fillStyle = color("muted");
    for (const [t] of data.captures) {
      const at = x(u, t), top = u.bbox.top;
      if (at < u.bbox.left || at > u.bbox.left + u.bbox.width) continue;
      u.ctx.beginPath();
      u.ctx.moveTo(at - size, top);
      u.ctx.lineTo(at + size, top);
      u.ctx.lineTo(at, top + 1.4 * size);
      u.ctx.fill();
    }
  }
  function over(u) {
    u.ctx.save();
    if (chart.id === "heap" || chart.id === "gc-cpu") ticks(u);
    flags(u);
    if (chart.deadline !== null) upright(u, chart.deadline, color("fail"), [6, 3]);
    if (data.marked) marked(u, ...data.marked);
    u.ctx.restore();
  }
  // What a finding rests on: edges over every chart, filled on the one that shows it.
  function marked(u, from, to, on) {
    const [left, right] = [from, to].map((t) => Math.min(Math.max(x(u, t), u.bbox.left), u.bbox.left + u.bbox.width));
    u.ctx.fillStyle = color("accent");
    if (on === chart.id) {
      u.ctx.globalAlpha = 0.12;
      u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
      u.ctx.globalAlpha = 1;
      u.ctx.fillRect(left - ratio(), u.bbox.top, right - left + 2 * ratio(), 4 * ratio());
    }
    for (const t of [from, to]) upright(u, t, color("accent"), [], 2);
  }
  return { hooks: { drawClear: [under], draw: [over] } };
}

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
