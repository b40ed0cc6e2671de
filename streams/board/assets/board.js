// The board's only script: reads a page from this server, shows it, and reads again when it is told to.
import { draw, shown } from "/assets/charts.js";

const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const page = location.pathname.slice(1) || "today";
const query = () => new URLSearchParams(location.search);
const charts = new Map();
let oldest = 0; // When the oldest of the figures shown was read.
let stamp = "";
let isReading = false;

const numeric = (panel) => panel.columns.map((_, at) =>
  panel.rows.some((row) => typeof row[at] === "number") &&
  panel.rows.every((row) => row[at] === null || typeof row[at] === "number"));

const table = (panel) => {
  const isNumber = numeric(panel);
  const cell = (tag, text, at) => make(tag, { ...(isNumber[at] ? { class: "number" } : {}), ...(tag === "th" ? { scope: "col" } : {}) }, text);
  const head = make("thead", {}, make("tr", {}, ...panel.columns.map((name, at) => cell("th", name, at))));
  const rows = panel.rows.map((row) => make("tr", {}, ...row.map((value, at) => cell("td", shown(value), at))));
  return make("div", { class: "rows", tabindex: "0", role: "region", "aria-label": `Rows: ${panel.title}` },
    make("table", {}, head, make("tbody", {}, ...rows)));
};

const figures = (panel) => make("dl", { class: "figures" }, ...panel.columns.map((name, at) =>
  make("div", {}, make("dt", {}, name), make("dd", { "data-column": name }, panel.rows.length ? shown(panel.rows[0][at]) : "–"))));

const csvAddress = (panel) => `/csv/${page}/${panel.name}?${query()}`;

const frame = (panel) => {
  const kind = panel.chart.kind;
  const section = make("section", { class: kind === "table" ? "panel wide" : "panel", id: `panel-${panel.name}` },
    make("h2", {}, panel.title), make("p", {}, panel.sentence), make("div", { class: "answer" }));
  const sql = make("details", { class: "sql" }, make("summary", {}, "SQL"), make("pre", { tabindex: "0" }, panel.sql));
  const actions = make("div", { class: "actions" }, make("a", { href: csvAddress(panel), download: "" }, `CSV: ${panel.title}`), sql);
  section.append(actions);
  return section;
};

const fill = (section, panel) => {
  section.querySelector(".sql pre").textContent = panel.sql;
  section.querySelector(".actions a").href = csvAddress(panel);
  const place = section.querySelector(".answer");
  if (!panel.isRead) return place.replaceChildren(make("p", {}, "Reading …"));
  if (panel.error) return place.replaceChildren(make("p", { class: "error" }, panel.error));
  if (!panel.rows.length) return place.replaceChildren(make("p", {}, "Nothing in these days."));
  if (panel.chart.kind === "figures") return place.replaceChildren(figures(panel));
  if (panel.chart.kind === "table") return place.replaceChildren(table(panel));
  let picture = place.querySelector(".picture");
  const isOpen = place.querySelector("details")?.open ?? false;
  if (!picture) {
    charts.get(panel.name)?.dispose();
    picture = make("div", { class: "picture", role: "img", "aria-label": `${panel.title}. ${panel.sentence}` });
  }
  const rows = make("details", {}, make("summary", {}, "Rows"), table(panel));
  rows.open = isOpen;
  place.replaceChildren(picture, rows);
  charts.set(panel.name, draw(picture, panel));
};

const age = (seconds) => seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;

const setState = (reason, seconds, newest, isReading) => {
  document.body.classList.toggle("stale", Boolean(reason));
  const since = `Read ${age(seconds)} ago${isReading ? "; reading again" : ""}.`;
  $("state").textContent = reason
    ? `These figures are ${age(seconds)} old: ${reason}`
    : newest && newest !== "1970-01-01" ? `${since} Newest conversion: ${newest}.` : "Nothing is stored yet.";
};

// A line of the answer: what is known of the page so far, and the panels that are new in it.
const show = (answer) => {
  $("title").textContent = answer.title;
  document.title = `${answer.title} – Headwater`;
  $("question").textContent = answer.question;
  const app = query().get("app") || "";
  const apps = [...new Set(["", ...answer.apps, ...(app ? [app] : [])])];
  if ([...$("app").options].map((option) => option.value).join() !== apps.join()) {
    $("app").replaceChildren(...apps.map((name) => make("option", { value: name }, name || "all apps")));
  }
  $("app").value = app;
  if (app && answer.apps.length && !answer.apps.includes(app)) answer.reason ||= `no app is called ${app}`;
  for (const panel of answer.panels) {
    let section = $(`panel-${panel.name}`);
    if (!section) $("panels").append(section = frame(panel));
    fill(section, panel);
  }
  // What could not be read is asked for again.
  stamp = answer.isReading || answer.reason || answer.panels.some((panel) => panel.error) ? "" : answer.stamp;
  oldest = Date.now() - answer.ageSeconds * 1000;
  setState(answer.reason, answer.ageSeconds, answer.newestDay, answer.isReading);
};

const lines = async function* (response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const found = (rest + part.value).split("\n");
    rest = found.pop();
    yield* found;
  }
};

const read = async () => {
  if (isReading) return;
  isReading = true;
  try {
    const asked = query();
    asked.set("seen", stamp);
    const response = await fetch(`/api/page/${page}?${asked}`);
    if (response.ok) for await (const line of lines(response)) show(JSON.parse(line));
    else setState((await response.json()).reason || `the board answers ${response.status}`, 0);
  } catch {
    setState("the board does not answer", oldest ? (Date.now() - oldest) / 1000 : 0);
  } finally {
    isReading = false;
  }
};

const explain = async (id) => {
  const place = $("explanation");
  if (!id) return;
  try {
    const answer = await (await fetch(`/api/explain?${new URLSearchParams({ id, app: query().get("app") || "" })}`)).json();
    place.textContent = answer.reason || answer.text;
    setState(answer.reason ? answer.reason : "", 0, "now");
    if (!answer.reason) $("state").textContent = answer.isKnown ? "Found." : "Not found, or not stored yet: this page looks again by itself.";
  } catch {
    setState("the board does not answer", 0);
  }
};

const eventPage = () => {
  const input = make("input", { name: "id", id: "event-id", autocomplete: "off", maxlength: "512" });
  input.value = query().get("id") || "";
  const form = make("form", { id: "event-form" },
    make("label", {}, "Id of an event, an install or a payment, or TOPIC:PARTITION:OFFSET ", input), make("button", {}, "Look"));
  $("panels").append(make("section", { class: "panel wide" }, form,
    make("pre", { id: "explanation", tabindex: "0", "aria-live": "polite" }, "Paste an id.")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = query();
    asked.set("id", input.value.trim());
    history.replaceState(null, "", `?${asked}`);
    explain(input.value.trim());
  });
  return () => explain(query().get("id"));
};

const start = async () => {
  const first = read();
  const menu = await (await fetch("/api/pages")).json();
  for (const item of menu.pages) {
    const link = make("a", { href: `/${item.name}${location.search}` }, item.title);
    if (item.name === page) link.setAttribute("aria-current", "page");
    $("menu").append(make("li", {}, link));
  }
  const days = query().get("days") || "30";
  $("days").append(...menu.days.map((count) => make("option", { value: String(count) }, String(count))));
  $("days").value = days;
  $("filters").addEventListener("change", () => {
    const asked = query();
    for (const name of ["app", "days"]) asked.set(name, $(name).value);
    location.search = String(asked);
  });
  let again = read;
  await first;
  if (page === "event") {
    again = eventPage();
    await again();
  }
  addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  const ticks = new EventSource("/ticks");
  ticks.onmessage = () => { if (!document.hidden) again(); };
  ticks.onerror = () => setState("the board does not answer", oldest ? (Date.now() - oldest) / 1000 : 0);
};

start();
