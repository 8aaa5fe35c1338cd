"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const list = $("list");
  if (!list) return;
  const PAGE = 100, CUT = 1200, BROKEN = ["env_error", "model_error"];
  const head = JSON.parse($("head").textContent);
  const make = (tag, options = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "text") made.textContent = value;
      else if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };
  const number = (value) => value.toLocaleString("en");

  // Where rows and rollouts come from: this file, or the viewer that serves the page.
  const unpacked = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  };
  const lines = new Map();
  const line = (id, place) => {
    if (!lines.has(id)) lines.set(id, $(id).textContent.split("\n"));
    return unpacked(lines.get(id)[place]);
  };
  const ask = async (path) => {
    const reply = await fetch(path, { cache: "no-store" });
    if (!reply.ok) throw new Error((await reply.text()).slice(0, 300));
    return reply;
  };
  const source = head.live ? {
    record: async (run, place) => (await ask(`record?run=${run}&position=${place}`)).json(),
    rules: async (text) => text,
  } : {
    record: async (run, place) => JSON.parse(await line(`records-${run}`, place)),
    rules: async (place) => JSON.parse(await line("shared", place)),
    raw: (run, place) => line(`records-${run}`, place),
  };

  // Rows of each run, and what stands side by side.
  const rows = head.runs.map(() => []);
  const places = head.runs.map(() => new Map());
  const learn = (run, found) => {
    for (const row of found) {
      const stream = head.runs[run].tasks - head.runs[run].probes;
      if (rows[run].length < stream) places[run].set(row[0], rows[run].length);
      rows[run].push(row);
    }
  };
  let comparison = 0, entries = [], shown = [], limit = PAGE, hits = null, current = null, opened = null, turn = 0;
  const collect = () => {
    entries = [];
    for (const [a, b] of head.comparisons[comparison].pairs) {
      const stream = head.runs[a].tasks - head.runs[a].probes;
      rows[a].slice(0, stream).forEach((row, place) => {
        const other = b < 0 ? undefined : places[b].get(row[0]);
        const beside = other === undefined ? null : rows[b][other];
        const [domain, group] = head.tasks[row[0]] ?? ["", ""];
        const broke = BROKEN.includes(row[4]) || (beside && BROKEN.includes(beside[4]));
        const change = beside ? row[1] - beside[1] : 0;
        const outcome = change > 0 ? "gained" : change < 0 ? "lost" : "same";
        const failed = row[1] < 1 && (!beside || beside[1] < 1);
        const order = head.runs[a].order;
        entries.push({ a, b, place, other, row, beside, domain, group, broke, outcome, failed, order,
          text: [row[0], domain, group, outcome, row[4], row[5], beside ? beside[4] : "", `order ${order}`].join(" ").toLowerCase() });
      });
    }
  };
  const fits = (one) => {
    const outcome = $("outcome").value;
    if (outcome === "broke" ? !one.broke : outcome === "failed" ? !one.failed : outcome && one.outcome !== outcome) return false;
    if ($("domain").value && one.domain !== $("domain").value) return false;
    if ($("order").value && String(one.order) !== $("order").value) return false;
    return true;
  };
  const words = () => $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const id = (one) => `${comparison}/${one.order}/${encodeURIComponent(one.row[0])}`;
  const score = (row) => row === null ? "-" : BROKEN.includes(row[4]) ? "broke" : String(+row[1].toFixed(3));

  const rowOf = (one) => {
    const told = one.broke ? "broke" : one.outcome;
    const mark = { gained: "+ gained", lost: "\u2212 lost", same: "= the same", broke: "! broke" }[told];
    const two = (place) => number(one.row[place]) + (one.beside ? `, ${number(one.beside[place])}` : "");
    const cells = [[mark, told], [one.row[0]], [one.domain], [one.order, "n"], [one.place + 1, "n"], [score(one.row), "n"], [score(one.beside), "n"],
      [one.row[5] || "-"], [one.beside ? one.beside[5] || "-" : ""], [one.row[8], "n"], [two(6), "n"], [two(7), "n"]];
    const button = make("button", { type: "button", "aria-expanded": "false", "aria-label": `Details of ${one.row[0]}, order ${one.order}` });
    const made = make("tr", { class: "row", "data-id": id(one) }, make("td", { class: "open" }, button),
      ...cells.map(([text, kind]) => make("td", { text: String(text), class: kind ?? "", title: String(text) })));
    made.addEventListener("click", () => toggle(one, made));
    return made;
  };
  const refresh = () => {
    const wanted = words();
    shown = entries.filter((one) => fits(one) && (hits ? hits.has(one) : wanted.every((word) => one.text.includes(word))));
    const keep = opened;
    opened = null;
    const body = list.tBodies[0];
    body.replaceChildren(...shown.slice(0, limit).map(rowOf));
    $("more").hidden = shown.length <= limit;
    $("count").textContent = `${number(shown.length)} of ${number(entries.length)} pairs`;
    current = null;
    const again = keep && shown.slice(0, limit).find((one) => id(one) === keep.id);
    if (again) {
      const row = [...body.children].find((made) => made.dataset.id === keep.id);
      row.after(keep.details);
      row.querySelector("button").setAttribute("aria-expanded", "true");
      opened = { ...keep, row };
    }
  };
  const search = async () => {
    const mine = ++turn, wanted = $("find").value.trim().toLowerCase();
    const quoted = JSON.stringify(wanted).slice(1, -1);  // as it stands in the JSON that is looked through
    hits = null;
    limit = PAGE;
    if (!$("deep").checked || !wanted) { refresh(); return; }
    const found = new Set(), among = entries.filter(fits);
    if (head.live) {
      const runs = new Map();
      for (const run of new Set(among.flatMap((one) => one.b < 0 ? [one.a] : [one.a, one.b]))) {
        $("count").textContent = `searching run ${run + 1} of ${head.runs.length}`;
        runs.set(run, new Set(await (await ask(`search?run=${run}&q=${encodeURIComponent(wanted)}`)).json()));
        if (mine !== turn) return;
      }
      for (const one of among) if (runs.get(one.a).has(one.place) || (one.other !== undefined && runs.get(one.b).has(one.other))) found.add(one);
    } else {
      for (const [place, one] of among.entries()) {
        const texts = [await source.raw(one.a, one.place), one.other === undefined ? "" : await source.raw(one.b, one.other)];
        if (mine !== turn) return;
        if (texts.some((text) => text.toLowerCase().includes(quoted))) found.add(one);
        if (place % 50 === 0) $("count").textContent = `searched ${place} of ${among.length}`;
      }
    }
    hits = found;
    refresh();
  };

  // One pair, opened below its row.
  const close = () => {
    if (!opened) return;
    opened.details.remove();
    opened.row.querySelector("button").setAttribute("aria-expanded", "false");
    opened = null;
    history.replaceState(null, "", location.pathname + location.search);
  };
  const toggle = async (one, row) => {
    const again = opened && opened.id === id(one);
    close();
    mark(row);
    if (again) return;
    const inner = make("div", { class: "inner" }, make("p", { class: "dim", text: "reading" }));
    const details = make("tr", { class: "details" }, make("td", { colspan: "13" }, inner));
    details.addEventListener("click", (event) => event.stopPropagation());
    row.after(details);
    row.querySelector("button").setAttribute("aria-expanded", "true");
    opened = { id: id(one), row, details };
    history.replaceState(null, "", `#rollout/${id(one)}`);
    try {
      const sides = [{ name: "A", run: one.a, row: one.row, record: await source.record(one.a, one.place) }];
      if (one.beside) sides.push({ name: "B", run: one.b, row: one.beside, record: await source.record(one.b, one.other) });
      for (const side of sides) side.chosen = Math.max(0, side.row[3]);
      const draw = () => inner.replaceChildren(...pair(one, sides, draw));
      draw();
    } catch (error) {
      inner.replaceChildren(make("p", { text: `It cannot be read: ${error.message}` }));
    }
  };
  const long = (text, kind = "") => {
    const whole = String(text);
    const made = make("p", { class: `text ${kind}`, text: whole.length > CUT ? whole.slice(0, CUT) : whole });
    if (whole.length <= CUT) return made;
    const button = make("button", { type: "button", text: `${number(whole.length - CUT)} characters more` });
    button.addEventListener("click", () => { made.textContent = whole; button.remove(); });
    return make("div", {}, made, button);
  };
  const part = (title, ...children) => make("div", { class: "part" }, make("h4", { text: title }), ...children);
  const beside = (sides, each) => make("div", { class: sides.length > 1 ? "sides" : "sides alone" }, ...sides.map((side) => make("div", {}, each(side))));
  const group = (...children) => { const made = make("div"); made.append(...children.filter(Boolean)); return made; };

  const pair = (one, sides, draw) => {
    const [domain, kind] = head.tasks[one.row[0]] ?? ["", ""];
    const about = [domain && `domain ${domain}`, kind && `group ${kind}`, `order ${one.order}`].filter(Boolean).join(", ");
    return [make("h3", { text: one.row[0] }), make("p", { class: "small", text: about }), long(sides[0].record.query),
      part("What came of it", beside(sides, (side) => facts(side, draw))),
      part("Recalled", beside(sides, recalled)),
      part("Step by step", steps(sides)),
      part("Verdict against truth", beside(sides, judged)),
      part("What the bank learned from it", beside(sides, changes)),
      part("Rules the agent was given", beside(sides, rules))];
  };
  const facts = (side, draw) => {
    const rollout = side.record.rollouts[side.chosen], run = head.runs[side.run];
    const pairs = [["run", run.id], ["score", rollout.score === null ? "broke" : rollout.score], ["verdict", rollout.verdict ? rollout.verdict[0] : "-"],
      ["end", rollout.end], ["error", rollout.error], ["turns", rollout.steps.filter((step) => step[0] === "agent").length], ["tokens", number(rollout.tokens)],
      ["bank", `read after ${side.record.read} tasks`]];
    const several = side.record.rollouts.length;
    const choice = several < 2 ? null : make("select", { "aria-label": `Rollout of ${side.name}` },
      ...side.record.rollouts.map((other, place) => make("option", { value: place, text: `rollout ${place + 1} of ${several}${side.row[3] === place || side.row[3] < 0 ? ", counts" : ""}` })));
    if (choice) {
      choice.value = String(side.chosen);
      choice.addEventListener("change", () => { side.chosen = Number(choice.value); draw(); });
    }
    return group(make("p", { class: "side-name", text: `${side.name}: ${run.label}` }), choice,
      make("dl", { class: "facts-of short" }, ...pairs.filter(([, value]) => value !== "").flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })])));
  };
  const recalled = (side) => {
    const events = side.record.recalls.filter((event) => event.rollout < 0 || event.rollout === side.chosen);
    const place = side.record.rollouts[side.chosen].place;
    const made = events.map((event) => {
      const when = { task: "before the task", retry: "before this rollout" }[event.phase] ?? `before turn ${event.step + 1}`;
      if (!event.items.length && !event.text) return make("p", { class: "dim", text: `${when}: nothing${event.reason ? ` (${event.reason})` : ""}` });
      const items = event.items.map((item) => {
        const at = place && place.text ? place.text.indexOf(item.title) : -1;
        const where = at >= 0 ? `, at character ${number(place.at + at)} of its message` : "";
        return make("details", { class: "item" }, make("summary", { text: `${item.rank}. ${item.title}` }),
          make("p", { class: "small", text: `score ${item.score.toFixed(3)}, ${item.id}${where}${item.from ? `; learned on ${item.from} (${item.label})` : ""}` }), long(item.text));
      });
      return group(make("p", { class: "who", text: `${when}, from the bank after ${event.version} tasks` }), ...items,
        items.length ? null : long(event.text));
    });
    if (typeof place === "string") made.push(make("p", { class: "small", text: `Its place in the prompt cannot be shown: ${place}` }));
    else if (place) {
      const around = make("p", { class: "text" });
      around.append(make("span", { class: "dim", text: (place.at > 1 ? "\u2026 " : "") + place.before }), make("mark", { text: place.text }), make("span", { class: "dim", text: place.after }));
      made.push(make("details", { class: "item" }, make("summary", { text: `In the prompt: message ${place.message} of ${place.of} (${place.role}), from character ${number(place.at)} of ${number(place.length)}` }),
        place.changed.length ? make("p", { class: "small", text: `These templates have changed since then, so the text may differ: ${place.changed.join(", ")}` }) : null, around));
    }
    return group(...(made.length ? made : [make("p", { class: "dim", text: "nothing" })]));
  };
  const aligned = (a, b) => {
    // The longest common subsequence of what was done; what lies between its members stands side by side in order.
    const same = (i, j) => a[i][0] === b[j][0] && a[i][3] === b[j][3];
    const best = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--)
      best[i][j] = same(i, j) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    const found = [];
    let i = 0, j = 0, left = [], right = [];
    const flush = () => {
      for (let k = 0; k < Math.max(left.length, right.length); k++) found.push([left[k], right[k], false]);
      left = []; right = [];
    };
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && same(i, j)) { flush(); found.push([i++, j++, true]); }
      else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) left.push(i++);
      else right.push(j++);
    }
    flush();
    return found;
  };
  const step = (found, place, kind) => {
    if (place === undefined) return make("div", { class: "turn none", text: "(nothing)" });
    const [actor, seen, thought, done] = found[place];
    const count = found.slice(0, place + 1).filter((one) => one[0] === "agent").length;
    return make("div", { class: `turn ${kind} ${actor === "user" ? "user" : ""}` },
      seen ? make("p", { class: "who", text: actor === "user" ? "the user sees" : `${count}. sees` }) : null, seen ? long(seen) : null,
      thought ? make("p", { class: "who", text: "thinks" }) : null, thought ? long(thought) : null,
      make("p", { class: "who", text: actor === "user" ? "the user does" : "does" }), long(done, "act"));
  };
  const steps = (sides) => {
    const all = sides.map((side) => side.record.rollouts[side.chosen]);
    const grid = make("div", { class: sides.length > 1 ? "sides steps" : "sides steps alone" });
    grid.append(...sides.map((side) => make("p", { class: "side-name", text: side.name })));
    if (sides.length < 2) grid.append(...all[0].steps.map((_, place) => step(all[0].steps, place, "same")));
    else for (const [left, right, same] of aligned(all[0].steps, all[1].steps)) {
      const kind = same ? "same" : "differs";
      grid.append(step(all[0].steps, left, kind), step(all[1].steps, right, kind));
    }
    grid.append(...all.map((one) => make("div", { class: "turn" }, one.final === null ? null : make("p", { class: "who", text: "last" }),
      one.final === null ? null : long(one.final), make("p", { class: "who", text: `end: ${one.end}` }))));
    return grid;
  };
  const judged = (side) => {
    const one = side.record.rollouts[side.chosen], made = [];
    if (one.verdict) {
      const solved = one.score !== null && one.score >= 1;
      const right = one.verdict[0] === "unknown" ? "" : (one.verdict[0] === "success") === solved ? " (right)" : " (wrong)";
      made.push(make("p", { class: "side-name", text: `${one.verdict[0]} by ${one.verdict[1]}${right}` }), long(one.verdict[2]));
    }
    if (one.score !== null) made.push(make("p", { class: "side-name", text: `truth: score ${one.score}` }));
    made.push(make("dl", { class: "facts-of" }, ...Object.entries({ ...one.measures, ...one.truth }).flatMap(([name, value]) => [make("dt", { text: name }), make("dd", {}, long(value))])));
    return group(...made);
  };
  const changes = (side) => side.record.ops.length
    ? group(...side.record.ops.map(([sign, name, title, text]) => make("details", { class: "item" }, make("summary", { text: `${sign} ${title}` }), make("p", { class: "small", text: name }), long(text))))
    : make("p", { class: "dim", text: "nothing" });
  const rules = (side) => {
    const place = side.record.rollouts[side.chosen].rules;
    if (place === "") return make("p", { class: "dim", text: "none" });
    const inside = make("div");
    const made = make("details", {}, make("summary", { text: "Show" }), inside);
    made.addEventListener("toggle", async () => { if (made.open && !inside.firstChild) inside.append(long(await source.rules(place) || "none")); });
    return made;
  };

  // Keys, links, filters.
  const mark = (row) => {
    if (current) current.classList.remove("current");
    current = row;
    if (row) row.classList.add("current");
  };
  const move = (way) => {
    const all = [...list.querySelectorAll("tr.row")];
    const place = current ? all.indexOf(current) + way : 0;
    const row = all[Math.max(0, Math.min(all.length - 1, place))];
    if (!row) return;
    mark(row);
    row.querySelector("button").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName);
    if (event.key === "Escape") { if (typing) document.activeElement.blur(); else close(); return; }
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); $("find").focus(); $("rollouts").scrollIntoView(); }
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
  });
  const follow = () => {
    const found = /^#rollout\/(\d+)\/(\d+)\/(.+)$/.exec(location.hash);
    if (!found || !head.comparisons[Number(found[1])]) return;
    if (opened && `#rollout/${opened.id}` === location.hash) return;
    if (Number(found[1]) !== comparison) { $("comparison").value = found[1]; compare(); }
    const wanted = location.hash.slice(9);
    const place = entries.findIndex((one) => id(one) === wanted);
    if (place < 0) return;
    for (const name of ["outcome", "domain", "order", "find"]) $(name).value = "";
    hits = null;
    limit = Math.max(PAGE, place + 1);
    refresh();
    const row = [...list.querySelectorAll("tr.row")].find((made) => made.dataset.id === wanted);
    if (row) { row.click(); row.scrollIntoView({ block: "start" }); row.querySelector("button").focus({ preventScroll: true }); }
  };
  const options = (select, values) => {
    const kept = select.value;
    select.replaceChildren(make("option", { value: "", text: "all" }), ...[...values].map((value) => make("option", { value, text: value })));
    if ([...values].map(String).includes(kept)) select.value = kept;
  };
  const compare = () => {
    comparison = Number($("comparison").value);
    const [a, b] = head.comparisons[comparison].pairs[0] ?? [0, -1];
    $("head-a").textContent = head.runs[a].memory;
    $("head-b").textContent = b < 0 ? "" : head.runs[b].memory;
    hits = null;
    limit = PAGE;
    update();
  };
  const update = () => {
    collect();
    options($("domain"), new Set(entries.map((one) => one.domain).filter(Boolean)));
    options($("order"), new Set(entries.map((one) => one.order)));
    refresh();
  };
  const compared = () => {
    $("comparison").replaceChildren(...head.comparisons.map((one, place) => make("option", { value: place, text: one.name })));
    $("comparison").value = String(Math.min(comparison, head.comparisons.length - 1));
    $("comparison-label").hidden = head.comparisons.length < 2;
  };
  $("comparison").addEventListener("input", () => { close(); compare(); });
  for (const name of ["outcome", "domain", "order", "deep"]) $(name).addEventListener("input", search);
  let waiting = 0;
  $("find").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, $("deep").checked ? 400 : 60); });
  $("more").addEventListener("click", () => { limit += PAGE; refresh(); });
  addEventListener("hashchange", follow);

  // Saving: a table as CSV, a chart as SVG with the colours it has.
  const save = (name, text, kind) => {
    const url = URL.createObjectURL(new Blob([text], { type: kind }));
    const link = make("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const quoted = (text, plain) => {
    const safe = !plain && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim(), cell.tagName === "TH" || "v" in cell.dataset)).join(",")).join("\r\n") + "\r\n";
  const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "text-anchor"];
  const drawing = (from) => {
    const copy = from.cloneNode(true);
    const mine = [from, ...from.querySelectorAll("*")], theirs = [copy, ...copy.querySelectorAll("*")];
    mine.forEach((one, place) => {
      const look = getComputedStyle(one);
      for (const name of LOOK) theirs[place].setAttribute(name, look.getPropertyValue(name));
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", getComputedStyle(document.body).backgroundColor]]) ground.setAttribute(name, value);
    copy.prepend(ground);
    return new XMLSerializer().serializeToString(copy);
  };
  document.addEventListener("click", (event) => {
    const table = event.target.closest?.("[data-csv]"), figure = event.target.closest?.("[data-svg]");
    if (table) save(`${table.dataset.csv}.csv`, csv($(`table-${table.dataset.csv}`)), "text/csv");
    if (figure) save(`${figure.dataset.svg}.svg`, drawing($(`figure-${figure.dataset.svg}`).querySelector("svg")), "image/svg+xml");
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("#sections details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

  // A viewer's page follows the experiment.
  const sleep = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  let drawn = 0;
  const stream = async (run) => {
    const reply = await ask(`rows?run=${run}&start=${rows[run].length}`);
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      const found = (rest + (value ?? "")).split("\n");
      rest = found.pop();
      learn(run, found.map((text) => JSON.parse(text)));
      if (performance.now() - drawn > 500) { update(); drawn = performance.now(); }
      if (done) return;
    }
  };
  const replace = (text) => {
    const open = new Map([...document.querySelectorAll("#sections details")].map((one) => [one.dataset.name, one.open]));
    const made = new DOMParser().parseFromString(text, "text/html");
    $("sections").replaceChildren(...made.body.childNodes);
    for (const one of document.querySelectorAll("#sections details")) if (open.has(one.dataset.name)) one.open = open.get(one.dataset.name);
  };
  const watch = async () => {
    let version = null, linked = false;
    for (;;) {
      let pause = 1;
      try {
        const state = await (await ask("state")).json();
        const done = state.committed.reduce((a, b) => a + b, 0), all = head.runs.reduce((sum, run) => sum + run.tasks, 0);
        $("bar").value = all ? done / all : 0;
        $("state").textContent = `${number(done)} of ${number(all)} tasks${state.error ? `; ${state.error}` : ""}`;
        let changed = false;
        for (const [run, count] of state.committed.entries()) {
          if (count < rows[run].length) { rows[run] = []; places[run] = new Map(); changed = true; }
          if (count > rows[run].length) { await stream(run); changed = true; }
        }
        if (state.version !== version) {
          const reply = await (await ask("sections")).json();
          replace(reply.html);
          if (reply.comparisons.length) { head.comparisons = reply.comparisons; compared(); changed = true; }
          version = reply.version;
        }
        if (changed) update();
        if (!linked) { follow(); linked = true; }
        if (done >= all && state.settled) pause = 5;
      } catch (error) {
        $("state").textContent = `The viewer does not answer: ${error.message}`;
        pause = 3;
      }
      await sleep(document.hidden ? 5 : pause);
    }
  };

  const begin = async () => {
    compared();
    if (head.live) { compare(); watch(); return; }
    JSON.parse(await unpacked($("rows").textContent)).forEach((found, run) => learn(run, found));
    compare();
    follow();
    document.documentElement.dataset.ready = "yes";
  };
  begin();
})();
