"use strict";
// The page: what is asked for is one `state`, which the fields, the link and the drawing all follow.

const element = (id) => document.getElementById(id);
const MODELS = JSON.parse(element("models").textContent);
const {latentDim, numClasses, classNames, maxHand, maxFigures, opinions} = MODELS;
const [HEIGHT, WIDTH, CHANNELS] = MODELS.shape;
const DIRECTIONS = MODELS.directions.map((each) => decode(each.direction));
const FIGURES = classNames === null; // the classes are 0 to 9, and make numbers
const SEVERAL = 6; // of one class side by side
const WALL = 100;
const FRAME = 50; // milliseconds of drawing before the browser may show it

const START = {
  view: "row", // or wall
  text: FIGURES ? MODELS.number : "", // the number; or the class, "" for one of each
  hand: MODELS.hand, // a hand is the noise of this seed
  each: numClasses === 1, // each picture by a hand of its own: hand, hand + 1, ...
  directions: DIRECTIONS.map(() => 0), // how far to go along each
  other: MODELS.hand + 1, // a second hand
  blend: 0, // and its share, per cent
  into: FIGURES ? "8" : "0", // what to turn into
  turn: 0, // how far, per cent
};
let state = {...START};

// Hands: noise, a function of the seed alone.

const noises = new Map();

function noiseOf(seed) {
  if (!noises.has(seed)) {
    if (noises.size > 1000) noises.clear();
    let counter = seed;
    const uniform = () => { // Tommy Ettinger's Mulberry32, above 0 and below 1
      counter = (counter + 0x6d2b79f5) | 0;
      let bits = Math.imul(counter ^ (counter >>> 15), 1 | counter);
      bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
      return (((bits ^ (bits >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()); // Box and Muller, 1958
    noises.set(seed, Float64Array.from({length: latentDim}, normal));
  }
  return noises.get(seed);
}

// The noise of a hand as the sliders change it. A blend goes along a circle, where it stays as long as noise is.
function styledNoise(hand, other) {
  const angle = (state.blend / 100) * (Math.PI / 2), one = noiseOf(hand), two = noiseOf(other);
  const noise = one.map((value, index) => Math.cos(angle) * value + Math.sin(angle) * two[index]);
  DIRECTIONS.forEach((direction, which) => {
    const far = state.directions[which];
    if (far) direction.forEach((value, index) => (noise[index] += far * value));
  });
  return noise;
}

// What is to be drawn: of each picture, its label, what it turns into, and whose hands.

function labelsOf(text) {
  if (FIGURES) return [...text].map(Number);
  if (numClasses > 1 && text === "") return Array.from({length: Math.min(numClasses, 12)}, (_, label) => label);
  return Array(state.each ? SEVERAL : 1).fill(Number(text));
}

function wallColumns() {
  return numClasses > 1 && numClasses <= 20 && (FIGURES || state.text === "") ? numClasses : 10;
}

function cells() {
  const targets = numClasses > 1 ? labelsOf(state.into) : [0];
  const cell = (label, column, hand) => (
    {label, target: targets[column % targets.length], hand: state.hand + hand, other: state.other + hand}
  );
  if (state.view === "row") return labelsOf(state.text).map((label, place) => cell(label, place, state.each ? place : 0));
  const columns = wallColumns();
  return Array.from({length: WALL - (WALL % columns)}, (_, place) => {
    if (!FIGURES && state.text !== "") return cell(Number(state.text), 0, place);
    return cell(place % numClasses, place % columns, Math.floor(place / numClasses));
  });
}

// Drawing.

const generator = new Network(MODELS.generator), discriminator = new Network(MODELS.discriminator);
discriminator.expect(new Float64Array(HEIGHT * WIDTH * CHANNELS).fill(-1)); // most of a picture is paper
const light = matchMedia("(prefers-color-scheme: light)");
const screen = new ImageData(WIDTH, HEIGHT);
screen.data.fill(255);

function make(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

class Tile {
  constructor(parent, tag) {
    this.element = make(tag, "digit", parent);
    this.canvas = make("canvas", "", this.element);
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.context = this.canvas.getContext("2d", {alpha: false});
    this.bar = make("span", "", make("span", "opinion", this.element));
    this.words = tag === "button" ? null : make("span", "words", this.element);
    this.element.setAttribute("role", tag === "button" ? "button" : "img");
    this.pixels = new Uint8ClampedArray(HEIGHT * WIDTH * CHANNELS);
    this.input = new Float64Array(latentDim + numClasses);
  }

  draw() {
    const {label, target, hand, other} = this.cell, share = state.turn / 100, input = new Float64Array(this.input.length);
    if (expected?.hand !== hand) {
      input.set(styledNoise(hand, other));
      generator.expect(input, 1); // the first layer's answer to the noise serves all labels
      expected = {hand, input: input.slice()};
    }
    input.set(expected.input);
    input[latentDim + label] += 1 - share;
    input[latentDim + target] += share;
    this.stale = false;
    if (input.every((value, index) => value === this.input[index])) return;
    this.input = input;
    this.label = share > 0.5 ? target : label;
    this.unrated = true;
    const numbers = generator.run(input);
    for (let index = 0; index < this.pixels.length; index++) this.pixels[index] = (numbers[index] + 1) * 127.5;
    this.paint();
  }

  // Show the pixels: ink on paper, which is dark only where the browser is; colours as they are.
  paint() {
    const invert = CHANNELS === 1 && light.matches ? 255 : 0;
    for (let from = 0, to = 0; from < this.pixels.length; from += CHANNELS, to += 4) {
      for (let channel = 0; channel < 3; channel++) {
        screen.data[to + channel] = this.pixels[from + (CHANNELS === 1 ? 0 : channel)] ^ invert;
      }
    }
    this.context.putImageData(screen, 0, 0);
  }

  rate() {
    this.unrated = false;
    const logit = discriminator.run(Float64Array.from(this.pixels, (value) => value / 127.5 - 1))[this.label];
    const steps = opinions[this.label], above = steps.findIndex((step) => step > logit), last = steps.length - 1;
    const rank = above < 0 ? last : above === 0 ? 0 : above - 1 + (logit - steps[above - 1]) / (steps[above] - steps[above - 1]);
    this.opinion = Math.round((100 * rank) / last);
    this.bar.style.transform = `scaleX(${this.opinion / 100})`;
    if (this.words) this.words.textContent = `${this.opinion} %`;
    this.element.setAttribute("aria-label", `${nameOf(this.label)}, more real than ${this.opinion} %`);
  }
}

const tiles = {row: [], wall: []};
let shown = [], next = 0, frame = 0, expected = null;

function nameOf(label) {
  return FIGURES ? String(label) : numClasses > 1 ? classNames[label] : "picture";
}

// Have everything drawn anew that the state changes.
function redraw() {
  const wanted = cells(), pool = tiles[state.view], parent = element(state.view);
  while (pool.length < wanted.length) pool.push(new Tile(parent, state.view === "wall" ? "button" : "div"));
  pool.forEach((tile, place) => (tile.element.hidden = place >= wanted.length));
  shown = pool.slice(0, wanted.length);
  shown.forEach((tile, place) => Object.assign(tile, {cell: wanted[place], stale: true}));
  element("row").style.setProperty("--count", state.view === "row" ? shown.length : 1);
  element("wall").style.setProperty("--columns", wallColumns());
  expected = null;
  frame ||= requestAnimationFrame(work);
}

// Draw for as long as a frame may take, going round so that every picture has its turn; then rate.
function work() {
  const started = performance.now(), spent = () => performance.now() - started;
  frame = 0;
  let left = shown.length;
  for (; left && spent() < FRAME; left--, next++) {
    const tile = shown[next % shown.length];
    if (tile.stale) tile.draw();
  }
  next %= shown.length;
  if (!left) {
    for (const tile of shown) {
      if (spent() > FRAME / 2) break;
      if (tile.unrated) tile.rate();
    }
  }
  if (left || shown.some((tile) => tile.unrated)) frame ||= requestAnimationFrame(work);
}

light.addEventListener("change", () => Object.values(tiles).flat().forEach((tile) => tile.paint()));

// The link: all of the state that is not as at the start.

let saving = 0;

function link() {
  const {directions, ...rest} = state, parts = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    if (value !== START[name] || name === "text" || name === "hand") parts.set(name, value);
  }
  if (directions.some(Boolean)) parts.set("directions", directions.join("_"));
  return `#${parts}`;
}

function saveLink() {
  clearTimeout(saving);
  saving = 0;
  try {
    history.replaceState(null, "", link());
  } catch { // a browser that allows no more changes for now, or a page within another: the next one will do
  }
}

// The state of the link, and what of it made no sense.
function readLink() {
  const parts = new URLSearchParams(location.hash.slice(1)), found = {...START}, complaints = new Set();
  const ranges = {hand: [maxHand, 1], other: [maxHand, 1], blend: [100, 1], turn: [100, 1]};
  for (const [name, value] of parts) {
    if (name === "text" || name === "into") {
      const {text, complaint} = understood(value);
      if (text !== null) found[name] = text;
      if (complaint) complaints.add(complaint);
    } else if (Object.hasOwn(ranges, name) && /^\d+$/.test(value) && Number(value) <= ranges[name][0]) {
      found[name] = Number(value);
    } else if (name === "view" && Object.hasOwn(tiles, value)) {
      found.view = value;
    } else if (name === "each" && ["true", "false"].includes(value)) {
      found.each = value === "true";
    } else if (name === "directions" && value.split("_").every((far) => Math.abs(parseFloat(far)) <= MODELS.reach)) {
      found.directions = START.directions.map((_, which) => parseFloat(value.split("_")[which] ?? 0));
    } else {
      complaints.add("Part of the link makes no sense here, and is left out.");
    }
  }
  return {found, complaint: [...complaints].join(" ")};
}

// What can be drawn of a text: a number's figures, or a class; null where there is none.
function understood(text) {
  if (!FIGURES) {
    if (text === "" || (/^\d+$/.test(text) && Number(text) < numClasses)) return {text: text && String(Number(text))};
    return {text: null, complaint: "There is no such class."};
  }
  const figures = text.replace(/[^0-9]/g, "");
  if (!figures) return {text: null, complaint: "Please give a number: only the figures 0 to 9 can be written."};
  if (figures.length > maxFigures) {
    return {text: figures.slice(0, maxFigures), complaint: `There is room for ${maxFigures} figures: these are the first.`};
  }
  return {text: figures, complaint: figures === text ? "" : "Only figures can be written: the rest is left out."};
}

// The fields.

function say(text) {
  element("message").textContent = text;
}

function change(changes, complaint = "") {
  state = {...state, ...changes};
  say(complaint);
  showFields();
  redraw();
  saving ||= setTimeout(saveLink, 300);
}

// Set all fields but the one that is being typed in.
function showFields() {
  const set = (id, value) => {
    if (document.activeElement !== element(id)) element(id).value = value;
  };
  set("number", state.text);
  set("into", state.into);
  element("class").value = state.text;
  element("into-class").value = state.into;
  for (const id of ["hand", "other", "blend", "turn"]) set(id, state[id]);
  element("each").checked = state.each;
  for (const radio of document.querySelectorAll("[name=view]")) radio.checked = radio.value === state.view;
  for (const view of ["row", "wall"]) element(view).hidden = state.view !== view;
  state.directions.forEach((far, which) => {
    const {input, output} = sliders[which], [less, more] = MODELS.directions[which].edges ?? ["minus", "plus"];
    input.value = far;
    output.textContent = far.toFixed(1);
    input.setAttribute("aria-valuetext", far ? `${Math.abs(far).toFixed(1)} ${far < 0 ? less : more}` : "middle");
  });
  const what = FIGURES ? state.text : numClasses > 1 ? (state.text === "" ? "every class" : nameOf(state.text)) : "pictures";
  element("row").setAttribute("aria-label", `${what}, hand ${state.hand}`);
}

const sliders = MODELS.directions.map(({name, edges, correlation}, which) => {
  const label = make("label", "slider", element("sliders"));
  const title = name ? name[0].toUpperCase() + name.slice(1) : `Direction ${which + 1}`;
  const heading = make("span", "title", label);
  make("span", "", heading).textContent = title;
  const output = make("output", "", heading), input = make("input", "", label), ends = make("span", "ends", label);
  Object.assign(input, {type: "range", min: -MODELS.reach, max: MODELS.reach, step: 0.1});
  input.setAttribute("aria-label", title);
  for (const end of edges ?? ["\u2212", "+"]) make("span", "", ends).textContent = end;
  input.addEventListener("input", () => {
    change({directions: state.directions.map((far, other) => (other === which ? Number(input.value) : far))});
  });
  if (name) make("li", "", element("correlations")).textContent = `${title}: ${correlation.toFixed(2)}`;
  return {input, output};
});

function on(id, event, listener) {
  element(id).addEventListener(event, listener);
}

for (const [id, name] of [["number", "text"], ["into", "into"]]) {
  on(id, "input", () => {
    const {text, complaint} = understood(element(id).value);
    change(text === null ? {} : {[name]: text}, complaint);
  });
  on(id, "blur", showFields);
}
for (const id of ["hand", "other", "blend", "turn"]) {
  on(id, "input", () => {
    const {value, max} = element(id), right = /^\d+$/.test(value) && Number(value) <= Number(max);
    change(right ? {[id]: Number(value)} : {}, right ? "" : `Please give a whole number from 0 to ${max}.`);
  });
}
on("class", "change", () => change({text: element("class").value}));
on("into-class", "change", () => change({into: element("into-class").value}));
on("each", "change", () => change({each: element("each").checked}));
for (const radio of document.querySelectorAll("[name=view]")) {
  radio.addEventListener("change", () => change({view: radio.value}));
}
const anyHand = () => Math.floor(Math.random() * (maxHand + 1));
on("new-hand", "click", () => change({hand: anyHand()}));
on("new-other", "click", () => change({other: anyHand(), blend: state.blend || 50}));
on("middle", "click", () => change({directions: START.directions}));
on("again", "click", () => change(START));

// On the wall, a picture gives its hand; the arrows go from one to the next, so that Tab needs to stop there only once.
on("wall", "click", ({target}) => {
  const tile = tiles.wall.find(({element}) => element.contains(target));
  if (tile) change({view: "row", hand: Math.min(tile.cell.hand, maxHand)});
});
on("wall", "keydown", (event) => {
  const columns = wallColumns(), by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key];
  const to = shown[shown.findIndex(({element}) => element === document.activeElement) + by];
  if (!to) return;
  event.preventDefault();
  to.element.focus();
});
on("wall", "focusin", ({target}) => shown.forEach(({element}) => (element.tabIndex = element === target ? 0 : -1)));

// Keeping.

function picture(scale = 8) {
  shown.forEach((tile) => tile.stale && tile.draw());
  const columns = state.view === "wall" ? wallColumns() : shown.length;
  const sheet = document.createElement("canvas"), context = sheet.getContext("2d", {alpha: false});
  sheet.width = columns * (WIDTH + 2) * scale;
  sheet.height = Math.ceil(shown.length / columns) * (HEIGHT + 2) * scale;
  context.fillStyle = CHANNELS === 1 && light.matches ? "white" : "black";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.imageSmoothingEnabled = false;
  shown.forEach(({canvas}, place) => {
    const left = (place % columns) * (WIDTH + 2) + 1, top = Math.floor(place / columns) * (HEIGHT + 2) + 1;
    context.drawImage(canvas, left * scale, top * scale, WIDTH * scale, HEIGHT * scale);
  });
  return sheet;
}

on("download", "click", () => picture().toBlob((blob) => {
  const anchor = document.createElement("a"), url = URL.createObjectURL(blob);
  anchor.href = url;
  anchor.download = `${state.view === "wall" ? "wall" : (FIGURES && state.text) || "pictures"}-hand-${state.hand}.png`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}));

on("copy", "click", async () => {
  saveLink();
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch { // not every browser lets a page do that
    say("Copy the link from the address bar: it shows what you see.");
  }
});

// The start.

function begin() {
  const {found, complaint} = readLink();
  document.activeElement?.blur?.();
  change(found, complaint);
}

const thing = FIGURES ? "digit" : "picture";
element("number-field").hidden = element("into").hidden = !FIGURES;
element("class-field").hidden = FIGURES || numClasses === 1;
element("into-class").hidden = FIGURES;
element("turning").hidden = numClasses === 1;
element("style").hidden = !DIRECTIONS.length;
element("hand").max = element("other").max = maxHand;
element("strong").textContent = MODELS.strong;
if (!FIGURES) {
  element("title").textContent = document.title = "Pictures that nobody made";
  element("row-name").textContent = "A row";
  element("each-name").textContent = "several hands side by side";
  for (const id of numClasses > 1 ? ["class", "into-class"] : []) {
    if (id === "class") element(id).append(new Option("every class", ""));
    classNames.forEach((name, label) => element(id).append(new Option(name, label)));
  }
}
element("note").textContent = `The bars: how real each ${thing} looks to the discriminator, beside others of its kind.`;
addEventListener("hashchange", begin);
begin();
