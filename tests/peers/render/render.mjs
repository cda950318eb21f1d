// Draws dashboard files from answers of a real Prometheus (written by tests/prometheus.rs) with uPlot in a headless
// Chromium. A rendering of the files, not of Grafana: colours and places are the files', the looks are ours.
//
//   npm install && node render.mjs ANSWERS.json OUTPUT-DIRECTORY [CHROMIUM]
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const [answersFile, out, chromium = "chromium"] = process.argv.slice(2);
const { answers, from, to } = JSON.parse(readFileSync(answersFile, "utf8"));
const uplot = dirname(createRequire(pathToFileURL(join(process.cwd(), "x.js"))).resolve("uplot/package.json"));
const boards = resolve(dirname(fileURLToPath(import.meta.url)), "../../../dashboards");
const WIDTH = 1600, CELL = 30, GAP = 8, HEAD = 70;

// Rows one under the other, collapsed ones opened, panels where gridPos says.
function layout(board) {
  const items = [];
  let shift = 0;
  for (const panel of board.panels) {
    items.push({ panel, y: panel.gridPos.y + shift });
    if (panel.type !== "row" || !panel.collapsed) continue;
    let end = 0;
    for (const inner of panel.panels) {
      items.push({ panel: inner, y: inner.gridPos.y + shift });
      end = Math.max(end, inner.gridPos.y + inner.gridPos.h);
    }
    // Rows behind a collapsed one were laid out as if its panels took their room.
    const next = board.panels[board.panels.indexOf(panel) + 1];
    if (next) shift += Math.max(0, end - next.gridPos.y);
  }
  return items;
}

function series(panel) {
  const found = [];
  for (const target of panel.targets) {
    const own = panel.fieldConfig.overrides.find(({ matcher }) => matcher.options === target.refId)?.properties ?? [];
    const unit = own.find(({ id }) => id === "unit")?.value ?? panel.fieldConfig.defaults.unit;
    const right = own.some(({ id, value }) => id === "custom.axisPlacement" && value === "right");
    for (const { metric, values } of answers[target.expr] ?? []) {
      const label = target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, name) => metric[name] ?? "");
      found.push({ label, unit, right, values: values.map(([at, value]) => [at, Number(value)]) });
    }
  }
  return found;
}

function page(board) {
  const items = layout(board).map(({ panel, y }) => ({
    x: panel.gridPos.x, y, w: panel.gridPos.w, h: panel.gridPos.h,
    type: panel.type, title: panel.title, unit: panel.fieldConfig?.defaults?.unit,
    steps: panel.fieldConfig?.defaults?.thresholds?.steps ?? [],
    line: panel.fieldConfig?.defaults?.custom?.thresholdsStyle?.mode === "line",
    fill: panel.fieldConfig?.defaults?.custom?.fillOpacity ?? 0,
    stack: panel.fieldConfig?.defaults?.custom?.stacking?.mode === "normal",
    none: panel.fieldConfig?.defaults?.noValue ?? "no data",
    series: panel.type === "row" ? [] : series(panel),
  }));
  const height = HEAD + CELL * Math.max(...items.map((item) => item.y + item.h)) + 20;
  const data = JSON.stringify({ items, from, to }).replace(/</g, "\\u003c");
  const html = `<!doctype html><meta charset="utf-8"><title>${board.title}</title><style>
${readFileSync(join(uplot, "dist/uPlot.min.css"), "utf8")}
body{margin:0;background:#111217;color:#ccccdc;font:13px/1.3 Inter,"DejaVu Sans",sans-serif;width:${WIDTH}px;height:${height}px;position:relative}
h1{font-size:20px;font-weight:500;margin:0;padding:14px 16px 0}h1+p{margin:2px 16px;color:#8e8e9c}
.panel{position:absolute;box-sizing:border-box;background:#181b1f;border:1px solid #2a2d33;border-radius:3px;overflow:hidden;padding:6px 8px}
.row{position:absolute;left:8px;font-size:15px;font-weight:500;padding-top:5px}
.title{font-weight:500;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.big{display:flex;gap:18px;justify-content:center;align-items:center;height:80%;font-size:30px;font-weight:500;text-align:center}
.big small{display:block;font-size:12px;color:#8e8e9c;font-weight:400}
.legend{font-size:11px;color:#9fa0ab;max-height:34px;overflow:hidden}.legend i{display:inline-block;width:10px;height:3px;margin:0 4px 3px 8px;vertical-align:middle}
.nothing{color:#6e6f7c;text-align:center;padding-top:20%}
</style><h1>${board.title}</h1><p>${board.description}</p>
<script>${readFileSync(join(uplot, "dist/uPlot.iife.min.js"), "utf8")}</script>
<script>const { items, from, to } = ${data};
const COLOURS = ["#73bf69","#f2cc0c","#5794f2","#ff9830","#f2495c","#b877d9","#8ab8ff","#37872d","#fade2a","#c4162a","#3274d9","#e0b400","#ff7383","#a352cc","#1f60c4","#56a64b","#fa6400","#96d98d"];
const NAMED = { green: "#73bf69", yellow: "#f2cc0c", orange: "#ff9830", red: "#f2495c", blue: "#5794f2" };
const COLUMN = (${WIDTH} - ${GAP}) / 24;
function short(value, digits = 3) { return String(Number(value.toPrecision(digits))); }
function scaled(value, steps) { for (const [size, name] of steps) if (Math.abs(value) >= size) return short(value / size) + name; return short(value) + steps.at(-1)[1]; }
function say(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (unit === "percentunit") return short(value * 100) + " %";
  if (unit === "s") return value === 0 ? "0 s" : scaled(value, [[86400, " d"], [3600, " h"], [60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]].map(([size, name]) => [size, name]));
  if (unit === "bytes") return value === 0 ? "0 B" : scaled(value, [[2 ** 30, " GiB"], [2 ** 20, " MiB"], [1024, " KiB"], [1, " B"]]);
  if (unit === "currencyUSD") return "$" + short(value);
  if (unit === "dateTimeFromNow") return Math.round(to - value / 1000) + " s ago";
  const per = { reqps: " /s", mps: " /s", ops: " /s" }[unit] ?? "";
  return (Math.abs(value) >= 1e6 ? short(value / 1e6) + " M" : Math.abs(value) >= 1e4 ? short(value / 1e3) + " K" : short(value)) + per;
}
function colour(value, steps) { let last = "#ccccdc"; for (const step of steps) if (step.value === null || value >= step.value) last = NAMED[step.color] ?? step.color; return last; }
function latest(one) { for (let at = one.values.length - 1; at >= 0; at--) if (!Number.isNaN(one.values[at][1]) && one.values[at][1] !== null) return one.values[at][1]; return null; }
function chart(item, box, width, height) {
  const times = []; for (let at = Math.ceil(from); at <= to; at++) times.push(at);
  const columns = item.series.map((one) => { const by = new Map(one.values.map(([at, value]) => [Math.round(at - from), value])); return times.map((_, at) => { const value = by.get(at); return value === undefined || value === null || Number.isNaN(value) ? null : value; }); });
  if (!columns.some((column) => column.some((value) => value !== null))) { box.insertAdjacentHTML("beforeend", '<div class="nothing">' + item.none + "</div>"); return; }
  const drawn = columns.map((column) => column.slice());
  // What has the right axis stands on its own, and behind all others.
  if (item.stack) for (let at = 1; at < drawn.length; at++) if (!item.series[at].right) drawn[at] = drawn[at].map((value, t) => value === null ? drawn[at - 1][t] : value + (drawn[at - 1][t] ?? 0));
  const order = item.stack ? drawn.map((_, at) => at).reverse() : drawn.map((_, at) => at);
  const hooks = item.line ? { draw: [(u) => { for (const step of item.steps) { if (step.value === null || step.value > u.scales.y.max) continue; const y = u.valToPos(step.value, "y", true); u.ctx.save(); u.ctx.strokeStyle = NAMED[step.color]; u.ctx.setLineDash([6, 4]); u.ctx.beginPath(); u.ctx.moveTo(u.bbox.left, y); u.ctx.lineTo(u.bbox.left + u.bbox.width, y); u.ctx.stroke(); u.ctx.restore(); } }] } : {};
  const axis = { stroke: "#9fa0ab", grid: { stroke: "#25272d", width: 1 }, ticks: { stroke: "#25272d" }, font: "11px sans-serif" };
  new uPlot({ width, height, hooks, legend: { show: false }, cursor: { show: false }, scales: { r: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] } },
    series: [{}, ...order.map((at) => ({ scale: item.series[at].right ? "r" : "y", stroke: COLOURS[at % COLOURS.length], width: 1.2, fill: item.stack && item.series[at].right ? undefined : COLOURS[at % COLOURS.length] + Math.round(item.fill * 2.55 * (item.stack ? 2 : 1)).toString(16).padStart(2, "0"), points: { show: false } }))],
    axes: [axis, { ...axis, size: 66, values: (_, ticks) => ticks.map((tick) => say(tick, item.unit)) }, ...item.series.filter((one) => one.right).slice(0, 1).map((one) => ({ ...axis, scale: "r", side: 1, size: 50, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => say(tick, one.unit)) }))] }, [times, ...order.map((at) => drawn[at])], box);
  const legend = item.series.map((one, at) => [latest(one), one.label, at, one.unit]).sort((a, b) => (b[0] ?? 0) - (a[0] ?? 0)).slice(0, 9);
  box.insertAdjacentHTML("beforeend", '<div class="legend">' + legend.map(([value, label, at, unit]) => '<i style="background:' + COLOURS[at % COLOURS.length] + '"></i>' + label + " " + say(value, unit)).join("") + "</div>");
}
function heatmap(item, box, width, height) {
  const edges = item.series.map((one) => ({ edge: one.label === "+Inf" ? Infinity : Number(one.label), values: new Map(one.values.map(([at, value]) => [Math.round(at - from), value])) })).sort((a, b) => a.edge - b.edge);
  const canvas = document.createElement("canvas"), step = 5, columns = Math.ceil((to - from) / step);
  canvas.width = width; canvas.height = height + 20; box.append(canvas);
  const ctx = canvas.getContext("2d"), w = (width - 66) / columns, h = height / edges.length; let most = 0; const cells = [];
  for (let c = 0; c < columns; c++) for (let e = 0; e < edges.length; e++) { const value = (edges[e].values.get(c * step) ?? 0) - (e ? edges[e - 1].values.get(c * step) ?? 0 : 0); cells.push([c, e, value]); most = Math.max(most, value); }
  for (const [c, e, value] of cells) if (value > 1e-9) { ctx.fillStyle = "rgba(255,152,48," + (0.15 + 0.85 * Math.sqrt(value / most)) + ")"; ctx.fillRect(66 + c * w, height - (e + 1) * h, w - 1, h - 1); }
  ctx.fillStyle = "#9fa0ab"; ctx.font = "11px sans-serif"; edges.forEach(({ edge }, e) => { if (e % 2 === 0) ctx.fillText(edge === Infinity ? "more" : "≤ " + say(edge, item.unit), 4, height - e * h - 2); });
}
for (const item of items) {
  const left = ${GAP} + item.x * COLUMN, top = ${HEAD} + item.y * ${CELL}, width = item.w * COLUMN - ${GAP}, height = item.h * ${CELL} - ${GAP};
  const box = document.createElement("div"); document.body.append(box); box.style.cssText = "left:" + left + "px;top:" + top + "px;width:" + width + "px;height:" + height + "px";
  if (item.type === "row") { box.className = "row"; box.textContent = item.title; continue; }
  box.className = "panel"; const title = document.createElement("div"); title.className = "title"; title.textContent = item.title; box.append(title);
  if (item.type === "stat") { const values = item.series.map((one) => [latest(one), one.label]).filter(([value]) => value !== null);
    box.insertAdjacentHTML("beforeend", '<div class="big">' + (values.length ? values.slice(0, 2).map(([value, label]) => '<div style="color:' + colour(value, item.steps) + '">' + say(value, item.unit) + (values.length > 1 ? "<small>" + label + "</small>" : "") + "</div>").join("") : item.none) + "</div>");
  } else if (item.type === "heatmap") heatmap(item, box, width - 18, height - 50); else chart(item, box, width - 18, height - 66);
}</script>`;
  return { html, height };
}

// Chromium writes nothing, and says nothing, where there is no such directory.
mkdirSync(out, { recursive: true });
for (const name of ["handoffs", "gateway", "capacity"]) {
  const { html, height } = page(JSON.parse(readFileSync(join(boards, `${name}.json`), "utf8")));
  const dir = mkdtempSync(join(tmpdir(), "segue-render-"));
  const file = join(dir, `${name}.html`);
  writeFileSync(file, html);
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", `--user-data-dir=${dir}`, `--window-size=${WIDTH},${height}`, "--virtual-time-budget=4000"];
  execFileSync(chromium, [...flags, `--screenshot=${resolve(out, `${name}.png`)}`, pathToFileURL(file).href], { stdio: "ignore" });
  console.log(`${name}.png: ${WIDTH}x${height}`);
}
