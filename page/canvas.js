"use strict";
// Drawing: what page/play.js's `state` asks for, by the networks, on canvases.

const element = (id) => document.getElementById(id);
const MODELS = JSON.parse(element("models").textContent);
const {latentDim, numClasses, classNames, maxHand, maxFigures, opinions} = MODELS;
const [HEIGHT, WIDTH, CHANNELS] = MODELS.shape;
const DIRECTIONS = MODELS.directions.map((each) => decode(each.direction));
const FIGURES = classNames === null; // the classes are 0 to 9, and make numbers
const SEVERAL = 6; // of one class side by side
const SHOWN = 12; // at most, of all classes side by side
const WALL = 100; // pictures at most
const FRAME = 50; // milliseconds of drawing before the browser may show it

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
  const share = hand === other ? 0 : state.blend / 100, angle = share * (Math.PI / 2);
  const one = noiseOf(hand), two = noiseOf(other);
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
  if (numClasses > 1 && text === "") return Array.from({length: Math.min(numClasses, SHOWN)}, (_, label) => label);
  return Array(state.each ? SEVERAL : 1).fill(Number(text));
}

function wallColumns() {
  if (numClasses === 1 || numClasses > 20 || (!FIGURES && state.text !== "")) return 10;
  return numClasses * Math.max(1, Math.floor(10 / numClasses)); // of few classes several hands in a row
}

function wallCount() {
  return WALL - (WALL % wallColumns());
}

function cells() {
  const targets = numClasses > 1 ? labelsOf(state.into) : [0];
  const after = (hand, steps) => (hand + steps) % (maxHand + 1); // after the last hand comes the first
  const cell = (label, column, steps) => {
    const target = targets[column % targets.length];
    return {label, target, hand: after(state.hand, steps), other: after(state.other, steps)};
  };
  if (state.view === "row") return labelsOf(state.text).map((label, place) => cell(label, place, state.each ? place : 0));
  const columns = wallColumns();
  return Array.from({length: wallCount()}, (_, place) => {
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
    this.context = this.canvas.getContext("2d", {alpha: false, willReadFrequently: true}); // no use for a GPU
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
    const judged = share > 0.5 ? target : label;
    if (judged === this.label && input.every((value, index) => value === this.input[index])) return;
    this.input = input;
    this.label = judged;
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
    const name = `${nameOf(this.label)}, hand ${this.cell.hand}`;
    this.element.setAttribute("aria-label", `${name}, more real than ${this.opinion} % of its kind`);
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
  if (state.view === "wall" && shown.every(({element}) => element.tabIndex)) shown[0].element.tabIndex = 0; // of fewer
  element("row").style.setProperty("--count", state.view === "row" ? shown.length : 1);
  element("wall").style.setProperty("--columns", wallColumns());
  element("wall").style.setProperty("--rows", wallCount() / wallColumns());
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
