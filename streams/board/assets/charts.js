// Draws the rows of a panel. Colours of Okabe and Ito, which the colour-blind tell apart.

const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999933", "#000000"];
const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

export const shown = (value) => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") {
    return Number.isInteger(value) ? value.toLocaleString("en-GB")
      : value.toLocaleString("en-GB", { maximumSignificantDigits: 15 });
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

const column = (panel, name) => {
  const at = panel.columns.indexOf(name);
  return panel.rows.map((row) => row[at]);
};

// Name of a line -> its values by position of x.
const linesOf = (panel, xs) => {
  const { x, ys, series } = panel.chart;
  const lines = new Map();
  if (!series) {
    for (const y of ys) lines.set(y, column(panel, y));
    return lines;
  }
  const [keys, names, values] = [column(panel, x), column(panel, series), column(panel, ys[0])];
  const places = new Map(xs.map((key, place) => [key, place]));
  names.forEach((name, row) => {
    const label = String(name) || "(none)";
    if (!lines.has(label)) lines.set(label, new Array(xs.length).fill(null));
    lines.get(label)[places.get(keys[row])] = values[row];
  });
  return lines;
};

const band = (panel) => {
  const { low, high } = panel.chart;
  if (!low) return [];
  const [lows, highs] = [column(panel, low), column(panel, high)];
  const quiet = { type: "line", stack: "interval", symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false } };
  const width = highs.map((end, row) => (end === null || lows[row] === null ? null : end - lows[row]));
  return [
    { ...quiet, name: "lower end", data: lows },
    { ...quiet, name: "interval of 80 %", itemStyle: { color: PALETTE[0], opacity: 0.4 }, data: width, areaStyle: { color: PALETTE[0], opacity: 0.18 } },
  ];
};

const reliability = (panel, ink) => {
  const { x, ys, series } = panel.chart;
  const groups = new Map();
  const [names, across, up] = [column(panel, series), column(panel, x), column(panel, ys[0])];
  names.forEach((name, row) => {
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push([across[row], up[row]]);
  });
  const end = Math.max(0.0001, ...across, ...up) * 1.05;
  const marks = ["circle", "rect", "triangle", "diamond"];
  const points = [...groups].map(([name, data], place) => (
    { name: String(name), type: "line", data, symbolSize: 9, symbol: marks[place % marks.length], lineStyle: { opacity: 0 } }));
  const diagonal = { name: "right", type: "line", data: [[0, 0], [end, end]], symbol: "none",
    lineStyle: { type: "dashed", color: ink } };
  const axis = (name) => ({ type: "value", name, min: 0, max: end, nameLocation: "middle", nameGap: 30,
    axisLabel: { formatter: (value) => value.toPrecision(2) } });
  return { xAxis: axis("predicted chance"), yAxis: axis("share that came true"), series: [...points, diagonal] };
};

const overX = (panel) => {
  const { kind, x, unit, isStacked, low } = panel.chart;
  // Without a comparison, days of life would be sorted as texts: 0, 1, 10, 2.
  const inOrder = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other
    : String(one) < String(other) ? -1 : 1);
  const xs = [...new Set(column(panel, x))].sort(inOrder);
  const ordered = kind === "line" || /^\d{4}-/.test(String(xs[0])) ? xs : [...new Set(column(panel, x))];
  const rows = panel.chart.series ? panel
    : { ...panel, rows: ordered.map((key) => panel.rows.find((row) => row[panel.columns.indexOf(x)] === key)) };
  const lines = [...linesOf(rows, ordered)].map(([name, data]) => (
    { name, type: kind, data, symbolSize: 5, stack: isStacked ? "all" : undefined, connectNulls: false }));
  return {
    xAxis: { type: "category", data: ordered.map(String), axisLabel: { hideOverlap: true, width: 110, overflow: "truncate" } },
    yAxis: { type: "value", name: unit, nameTextStyle: { align: "left" } },
    series: [...lines, ...(low ? band(rows) : [])],
  };
};

export const draw = (place, panel) => {
  const ink = isDark() ? "#e8eef1" : "#16232b";
  const body = panel.chart.kind === "reliability" ? reliability(panel, ink) : overX(panel);
  const names = body.series.map((line) => line.name).filter((name) => name !== "lower end");
  const chart = echarts.getInstanceByDom(place) || echarts.init(place, isDark() ? "dark" : null);
  chart.setOption({
    animation: false,
    backgroundColor: "transparent",
    color: PALETTE,
    // Rich text: tooltips of HTML need inline styles, which the content security policy forbids.
    tooltip: { trigger: panel.chart.kind === "reliability" ? "item" : "axis", renderMode: "richText", confine: true },
    legend: { type: "scroll", data: names, textStyle: { color: ink }, top: 0 },
    grid: { left: 12, right: 16, top: 48, bottom: panel.chart.kind === "reliability" ? 40 : 12, containLabel: true },
    ...body,
  }, { notMerge: true });
  return chart;
};
