// What stands around a flame graph: the choice, the search field, the top table.
"use strict";

// The functions as `go tool pprof -top` lists them; a head sorts, a row marks its frames.
function topTable(host, data, choose) {
  const table = make("table", "top"), head = make("tr"), body = make("tbody");
  const size = data.kind === "diff" ? (v) => signed(v, data) : (v) => human(v * data.scale, data.unit);
  const share = (v) => (data.total ? (100 * v / data.total).toFixed(1) + " %" : "");
  let column = 1;
  function fill() {
    const rows = [...data.functions].sort((a, b) => Math.abs(b[column]) - Math.abs(a[column]));
    body.replaceChildren(...rows.map((row) => {
      const line = make("tr"), name = button(row[0]), cell = make("td");
      name.title = row[0];
      name.addEventListener("click", () => choose(row[0]));
      cell.append(name);
      line.append(make("td", "n", size(row[1])), make("td", "n muted", share(row[1])),
        make("td", "n", size(row[2])), make("td", "n muted", share(row[2])), cell);
      return line;
    }));
    for (const th of head.children) {
      if (th.dataset.column) th.setAttribute("aria-sort", Number(th.dataset.column) === column ? "descending" : "none");
    }
  }
  [["flat", 1], ["flat%"], ["cum", 2], ["cum%"], ["function"]].forEach(([text, at], i) => {
    const cell = make("th", i < 4 ? "n" : "", at ? undefined : text);
    cell.scope = "col";
    if (at) {
      const sort = button(text);
      sort.addEventListener("click", () => { column = at; fill(); });
      cell.dataset.column = String(at);
      cell.append(sort);
    }
    head.append(cell);
  });
  const thead = make("thead");
  thead.append(head);
  table.append(thead, body);
  host.replaceChildren(table);
  fill();
}

// Flame graphs behind one switch, with the search field and the top table that they share.
function flamePart(host, flames, id, wide) {
  const bar = make("div", "flame-bar"), stage = make("div", "stage"), found = make("output", "muted");
  const field = make("input"), reset = button("Reset zoom"), note = make("p", "muted");
  const upward = button("Flame", false), list = button("Top table", wide);
  const both = make("div", "flame-both"), aside = make("div", "scroll top-part");
  field.type = "search";
  field.placeholder = "Search functions";
  field.setAttribute("aria-label", "Search functions");
  upward.title = "Root at the bottom";
  aside.tabIndex = 0;
  aside.setAttribute("role", "region");
  aside.setAttribute("aria-label", "Top table");
  const choice = make("select");
  choice.setAttribute("aria-label", "Which flame graph");
  choice.hidden = flames.length === 1;
  flames.forEach((flame, i) => choice.append(new Option(flame.title, String(i))));
  const pressed = (one) => one.getAttribute("aria-pressed") === "true";
  let graph = null;
  function search() {
    const share = graph.search(field.value.trim());
    found.textContent = field.value.trim() ? (100 * share).toFixed(1) + " % matched" : "";
  }
  function beside() {
    const flame = flames[Number(choice.value)];
    list.hidden = flame.functions.length === 0;
    aside.hidden = list.hidden || !pressed(list);
    both.classList.toggle("two", !aside.hidden);
    if (aside.hidden) return;
    topTable(aside, flame, (name) => { field.value = field.value === name ? "" : name; search(); });
  }
  function show() {
    const flame = flames[Number(choice.value)];
    graph = new FlameGraph(stage, flame, pressed(upward));
    note.textContent = flame.note + " Click or Enter zooms, Escape resets, arrow keys move.";
    beside();
    search();
  }
  function toggle(one, then) {
    one.addEventListener("click", () => { one.setAttribute("aria-pressed", String(!pressed(one))); then(); });
  }
  toggle(upward, () => graph.turn(pressed(upward)));
  toggle(list, beside);
  choice.addEventListener("change", show);
  field.addEventListener("input", search);
  reset.addEventListener("click", () => graph.zoom(0));
  bar.append(choice, field, reset, upward, list, found);
  both.append(stage, aside);
  host.replaceChildren(bar, note, both);
  host.id = "flame-" + id;
  show();
  return (graph) => { choice.value = String(graph); show(); };
}
