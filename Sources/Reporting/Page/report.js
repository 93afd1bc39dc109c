"use strict";
// Draws the runs in the element "data" (ReportedRun.swift) into <main>.
const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const main = document.querySelector("main");
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = run => `--run${runs.indexOf(run) % 7}`;
const isMain = stage => stage.name === "";
const remembered = (key, value) => sessionStorage.getItem(key) ?? value;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function number(value) {
  if (value == null) return "";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(+value.toPrecision(4));
}

// Abscissas: what a record stands above.
const longest = Math.max(...runs.flatMap(run => run.stages).flatMap(stage => stage.processorSeconds));
const [unit, unitSeconds] = longest < 7200 ? ["minutes", 60] : ["hours", 3600];
const inUnits = all => all.map(seconds => seconds == null ? null : seconds / unitSeconds);
const axes = {
  updates: { title: "updates", of: stage => stage.steps },
  time: { title: `${unit} of training`, of: stage => inUnits(stage.seconds) },
  processor: { title: `processor ${unit}`, of: stage => inUnits(stage.processorSeconds) },
};
let axis = remembered("axis", "updates");
if (!axes[axis]) axis = "updates";

// The mean of a curve's last values, which a noisy metric is judged by.
function smoothed(values) {
  let window = [];
  return values.map(value => {
    if (value == null) return null;
    window.push(value);
    if (window.length > 10) window.shift();
    return window.reduce((a, b) => a + b, 0) / window.length;
  });
}

// A run of DD1 beside others is a line: its updates are of another kind.
const isLine = run => run.method === "dd1" && runs.some(other => other.method !== "dd1");

// Lines across the chart of FID: [name, value, colour].
function levels() {
  const teacher = runs.flatMap(run => run.stages.flatMap(stage => stage.series))
    .filter(series => series.name === "teacher_fid").flatMap(series => series.values).find(value => value != null);
  const rivals = runs.filter(isLine).flatMap(run => {
    const scores = run.stages.filter(isMain).flatMap(stage => stage.series).filter(series => series.name === "fid")
      .flatMap(series => series.values).filter(value => value != null);
    return scores.length ? [[`${run.name} (DD1)`, Math.min(...scores), colour(run)]] : [];
  });
  return (teacher == null ? [] : [["teacher", teacher, "--muted"]]).concat(rivals);
}

// Draws what lies behind the curves: the healthy range, and lines with their names.
function backdrop(range, lines) {
  return chart => {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (range) {
      const y = value => chart.valToPos(value, "y", true);
      const top = range[1] == null ? bbox.top : y(range[1]);
      const bottom = range[0] == null ? bbox.top + bbox.height : y(range[0]);
      ctx.fillStyle = style("--shade");
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    const scale = devicePixelRatio;
    ctx.font = `${12 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    for (const [name, value, tint] of lines) {
      const y = chart.valToPos(value, "y", true);
      ctx.strokeStyle = ctx.fillStyle = style(tint);
      ctx.setLineDash([6 * scale, 4 * scale]);
      ctx.lineWidth = 1.5 * scale;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(`${name} ${number(value)}`, bbox.left + bbox.width - 4 * scale, y - 4 * scale);
    }
    ctx.restore();
  };
}

let charts = [];

// A chart of a metric: curves of [run, abscissas, values]. Few values are points with a line, many a faint line and a mean.
function chart(title, about, curves, { range = null, lines = [], height = 190, isScore = false } = {}) {
  curves = curves.map(([run, xs, values]) => {
    const kept = xs.map((x, i) => [x, values[i]]).filter(([x, y]) => x != null && y != null);
    return [run, kept.map(pair => pair[0]), kept.map(pair => pair[1])];
  }).filter(curve => curve[1].length > 0);
  if (!curves.length) return null;
  const place = element("div");
  const readout = element("div", { class: "readout muted" });
  const box = element("div", { class: "panel chart" + (isScore ? " wide" : "") },
    element("h3", {}, title), element("p", { class: "muted" }, about), place, readout);
  const series = [{}];
  const tables = [];
  const shown = [];
  for (const [run, xs, ys] of curves) {
    const isNoisy = !isScore && ys.length > 30;
    const stroke = style(colour(run));
    shown.push([run, series.length, xs, ys]);
    tables.push([xs, ys]);
    series.push({
      stroke, width: isNoisy ? 0.6 : 2, alpha: isNoisy ? 0.45 : 1, spanGaps: true,
      points: { show: !isNoisy, size: 5 },
    });
    if (!isNoisy) continue;
    tables.push([xs, smoothed(ys)]);
    series.push({ stroke, width: 2, spanGaps: true, points: { show: false } });
  }
  // The values beneath the pointer, else the last ones.
  const read = drawn => {
    const index = drawn.cursor.idx;
    readout.replaceChildren(...shown.map(([run, place, xs, ys]) => {
      const value = index == null ? ys[ys.length - 1] : drawn.data[place][index];
      const above = index == null ? xs[xs.length - 1] : drawn.data[0][index];
      const text = `${number(value) || "-"} at ${number(above)}${axis === "updates" ? "" : " " + unit}`;
      return element("span", { style: `--key: var(${colour(run)})` }, text);
    }));
  };
  const ticks = { stroke: style("--line"), width: 1 };
  const options = {
    width: 100, height, series, legend: { show: false },
    scales: {
      x: { time: false },
      y: {
        // The curve fills the chart; the end of a healthy range is shown where it is near, a line always.
        range: (_, low, high) => {
          for (const value of lines.map(line => line[1]).concat(range ?? [])) {
            if (value == null) continue;
            if (value > high && (isScore || value - high < 1.5 * (high - low))) high = value;
            if (value < low && (isScore || low - value < 1.5 * (high - low))) low = value;
          }
          const room = (high - low || Math.abs(high) || 1) * 0.08;
          return [low - room, high + room];
        },
      },
    },
    axes: [
      { stroke: style("--muted"), grid: ticks, ticks, size: 34 },
      { stroke: style("--muted"), grid: ticks, ticks, size: 62, values: (_, all) => all.map(number) },
    ],
    hooks: { drawClear: [backdrop(range, lines)], ready: [read], setCursor: [read] },
  };
  const drawn = new uPlot(options, uPlot.join(tables), place);
  charts.push({ drawn, place, height });
  return box;
}

function fit() {
  for (const { drawn, place, height } of charts) {
    const width = Math.floor(place.clientWidth);
    if (width > 0 && width !== drawn.width) drawn.setSize({ width, height });
  }
}

const metrics = (stages) => [...new Set(stages.flatMap(([, stage]) => stage.series.map(series => series.name)))];

function curvesOf(stages, metric) {
  return stages.flatMap(([run, stage]) => stage.series.filter(series => series.name === metric)
    .map(series => [run, axes[axis].of(stage), series.values]));
}

// Images that the updates of a stage saw in a second.
function speeds(stages) {
  return stages.flatMap(([run, stage]) => {
    const batch = Number(run.settings.find(setting => setting.name === "batch")?.value);
    if (!(batch > 0)) return [];
    const rates = stage.steps.map((step, i) => {
      const [steps, seconds] = [step - stage.steps[i - 1], stage.seconds[i] - stage.seconds[i - 1]];
      return i > 0 && steps > 0 && seconds > 0 ? steps * batch / seconds : null;
    });
    return [[run, axes[axis].of(stage), rates]];
  });
}

function stageCharts(stages) {
  const boxes = metrics(stages).filter(metric => metric !== "teacher_fid").map(metric => {
    const isScore = metric === "fid";
    const found = stages.filter(([run]) => !(isScore && isLine(run)));
    const series = found.flatMap(([, stage]) => stage.series).find(series => series.name === metric);
    if (!series) return null;
    // The range is that of one run; several have several.
    const range = runs.length === 1 && (series.healthyFrom != null || series.healthyTo != null)
      ? [series.healthyFrom ?? null, series.healthyTo ?? null] : null;
    const about = series.about + (range ? "; the healthy range is shaded" : "");
    return chart(metric, about, curvesOf(found, metric), {
      range, isScore, lines: isScore ? levels() : [], height: isScore ? 300 : 190,
    });
  });
  return boxes.concat(chart("images a second", "sequences of the updates, over the time of training", speeds(stages)))
    .filter(box => box);
}

function curves() {
  const section = element("section");
  const draw = () => {
    for (const { drawn } of charts) drawn.destroy();
    charts = [];
    const all = runs.flatMap(run => run.stages.map(stage => [run, stage]));
    const names = [...new Set(all.map(([, stage]) => stage.name))].filter(name => name !== "");
    const groups = all.some(([, stage]) => isMain(stage)) ? [["", all.filter(([, stage]) => isMain(stage))]] : [];
    for (const name of names) groups.push([name, all.filter(([, stage]) => stage.name === name)]);
    const buttons = Object.entries(axes).map(([key, { title }]) => element("button", {
      "aria-pressed": String(key === axis),
      onclick: () => { axis = key; sessionStorage.setItem("axis", key); draw(); },
    }, title));
    const keys = runs.length < 2 ? [] : [element("div", { class: "keys" },
      ...runs.map(run => element("span", { style: `--key: var(${colour(run)})` }, run.name)))];
    section.replaceChildren(element("h2", {}, "Curves"),
      element("div", { class: "controls" }, element("span", { class: "muted" }, "against"), ...buttons, ...keys));
    groups.forEach(([name, stages], i) => {
      const grid = element("div", { class: "charts" }, ...stageCharts(stages));
      section.append(i === 0 ? grid : element("details",
        { open: remembered(`open ${name}`, "") === "yes",
          ontoggle: event => { sessionStorage.setItem(`open ${name}`, event.target.open ? "yes" : ""); fit(); } },
        element("summary", {}, `stage ${name}`), grid));
    });
    requestAnimationFrame(fit);
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", fit);
  return section;
}

function snapshots() {
  const shown = runs.filter(run => run.snapshots.length);
  if (!shown.length) return [];
  const boxes = shown.map(run => {
    const last = run.snapshots.length - 1;
    const key = `snapshot ${run.name}`;
    const image = element("img");
    const label = element("span", { class: "muted" });
    const slider = element("input", { type: "range", min: 0, max: last, "aria-label": `snapshot of ${run.name}` });
    // Whoever looks at the last one wants to see the next.
    slider.value = remembered(key, "last") === "last" ? last : Math.min(last, Number(remembered(key, last)));
    const show = () => {
      const snapshot = run.snapshots[slider.value];
      image.src = snapshot.image;
      label.textContent = `${snapshot.stage ? snapshot.stage + ", " : ""}step ${snapshot.step}`;
      image.alt = `samples, ${label.textContent}`;
    };
    slider.addEventListener("input", () => {
      sessionStorage.setItem(key, Number(slider.value) === last ? "last" : slider.value);
      show();
    });
    show();
    const name = runs.length > 1 ? [element("h3", {}, run.name)] : [];
    return element("div", { class: "panel" }, ...name, element("div", { class: "controls" }, slider, label), image);
  });
  return [element("section", {}, element("h2", {}, "Samples through time"), element("div", { class: "snapshots" }, ...boxes))];
}

function table(head, rows) {
  return element("div", { class: "scroll" }, element("table", {},
    ...(head ? [element("tr", {}, ...head.map(text => element("th", {}, text)))] : []),
    ...rows.map(([first, ...rest]) =>
      element("tr", {}, element("th", {}, first), ...rest.map(text => element("td", { class: "number" }, text))))));
}

// What differs between runs, or a run's settings and where they are not its preset's.
function settings() {
  const value = (run, name) => run.settings.find(setting => setting.name === name)?.value ?? "";
  const sections = [];
  if (runs.length > 1) {
    const names = [...new Set(runs.flatMap(run => run.settings.map(setting => setting.name)))]
      .filter(name => new Set(runs.map(run => value(run, name))).size > 1);
    sections.push(element("h2", {}, "Settings that differ"), names.length
      ? table(["setting", ...runs.map(run => run.name)], names.map(name => [name, ...runs.map(run => value(run, name))]))
      : element("p", {}, "none"));
  }
  for (const run of runs) {
    const changed = run.settings.filter(setting => setting.usual != null);
    const all = table(["setting", "value"], run.settings.map(setting => [setting.name, setting.value]));
    const title = runs.length > 1 ? `What was run: ${run.name}` : "What was run";
    sections.push(element("h2", {}, title), table(null, run.facts.concat(run.preset ? [["preset", run.preset]] : [])));
    if (changed.length) {
      sections.push(element("p", { class: "muted" }, `Settings that are not those of ${run.preset}:`),
        table(["setting", "value", run.preset], changed.map(setting => [setting.name, setting.value, setting.usual])));
    }
    sections.push(element("details", {}, element("summary", {}, "all settings"), all));
  }
  return sections;
}

for (const run of runs) {
  main.append(
    element("header", {}, element("h1", {}, run.name), element("span", { class: `state ${run.state}` }, run.state)),
    element("ul", { class: "verdicts" },
      ...run.verdicts.map(verdict => element("li", { class: verdict.isWarning ? "warning" : "" }, verdict.text))));
}
main.append(curves(), ...snapshots(), ...settings(),
  element("p", { class: "muted" }, `Written by ${data.createdBy} at ${data.created}.`));
requestAnimationFrame(fit);
if (data.reloadAfter) setTimeout(() => location.reload(), data.reloadAfter * 1000);
