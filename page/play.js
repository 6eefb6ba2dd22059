"use strict";
// The page: what is asked for is one `state`, which the fields, the link and page/canvas.js all follow.

const START = {
  view: "row", // or wall
  text: FIGURES ? MODELS.number : "", // the number; or the class, "" for one of each
  hand: MODELS.hand, // a hand is the noise of this seed
  each: numClasses === 1, // each picture by a hand of its own: hand, hand + 1, ...
  directions: DIRECTIONS.map(() => 0), // how far to go along each
  other: (MODELS.hand + 1) % (maxHand + 1), // a second hand
  blend: 0, // and its share, per cent
  into: FIGURES ? "8" : "0", // what to turn into
  turn: 0, // how far, per cent
};
let state = {...START};
const thing = FIGURES ? "digit" : "picture";
const BARS = `The bars: how real each ${thing} looks to the discriminator, beside others of its kind.`;
const EVERY = numClasses > SHOWN ? "several classes" : "every class"; // the choice of none of them

// The link: all of the state that is not as at the start.

let saving = 0, known = ""; // the link as it was last read or written

function link() {
  const {directions, ...rest} = state, parts = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    // Another copy of the page may start with another number and other hands.
    if (value !== START[name] || ["text", "hand", "other"].includes(name)) parts.set(name, value);
  }
  if (directions.some(Boolean)) parts.set("directions", directions.join("_"));
  return `#${parts}`;
}

function saveLink() {
  clearTimeout(saving);
  saving = 0;
  if (location.hash === known) keep("replaceState"); // else another was followed, and `begin` is about to hear of it
}

// Have the address bar hold the link, in the place of the one there or, by pushState, as one more.
function keep(how) {
  if (link() === location.hash) return;
  try {
    history[how](null, "", link());
    known = location.hash;
  } catch { // a browser that allows no more changes for now (or ever, within another page)
    saving ||= setTimeout(saveLink, 2000);
  }
}

// The state of the link, and what of it made no sense.
function readLink() {
  const parts = new URLSearchParams(location.hash.slice(1)), found = {...START}, complaints = new Set();
  const ranges = {hand: [maxHand, 1], other: [maxHand, 1], blend: [100, 1], turn: [100, 1]};
  for (const [name, value] of parts) {
    if (name === "text" || name === "into") {
      const {text, complaint} = understood(value || (name === "into" ? "none" : ""));
      if (text !== null) found[name] = text;
      if (complaint) complaints.add(complaint);
    } else if (Object.keys(ranges).includes(name) && /^\d+$/.test(value) && Number(value) <= ranges[name][0]) {
      found[name] = Number(value);
    } else if (name === "view" && Object.keys(tiles).includes(value)) {
      found.view = value;
    } else if (name === "each" && ["true", "false"].includes(value)) {
      found.each = value === "true";
    } else if (name === "directions" && value.split("_").every((far) => Math.abs(parseFloat(far)) <= MODELS.reach)) {
      const far = value.split("_").map(parseFloat);
      found.directions = START.directions.map((_, which) => far[which] ?? 0);
      if (far.slice(DIRECTIONS.length).some(Boolean)) complaints.add("This page has fewer sliders than the link.");
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

// Change what would be missed: the browser's Back undoes it.
function leap(changes) {
  saveLink();
  const before = link();
  change(changes);
  if (link() !== before) keep("pushState");
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
  element("each").disabled = state.view === "wall"; // where rows have their hands
  element("note").textContent = state.view === "wall" ? `Choose a ${thing} to have its hand.` : BARS;
  element("wall-name").textContent = `Wall of ${wallCount()}`;
  for (const radio of document.querySelectorAll("[name=view]")) radio.checked = radio.value === state.view;
  for (const view of ["row", "wall"]) element(view).hidden = state.view !== view;
  state.directions.forEach((far, which) => {
    const {input, value} = sliders[which], [less, more] = MODELS.directions[which].edges ?? ["minus", "plus"];
    input.value = far;
    value.textContent = far.toFixed(1);
    input.setAttribute("aria-valuetext", far ? `${Math.abs(far).toFixed(1)} ${far < 0 ? less : more}` : "middle");
  });
  const what = FIGURES ? state.text : numClasses > 1 ? (state.text === "" ? EVERY : nameOf(state.text)) : "pictures";
  element("row").setAttribute("aria-label", `${what}, hand ${state.hand}`);
}

const sliders = MODELS.directions.map(({name, edges, correlation}, which) => {
  const label = make("label", "slider", element("sliders"));
  const title = name ? name[0].toUpperCase() + name.slice(1) : `Direction ${which + 1}`;
  const heading = make("span", "title", label);
  make("span", "", heading).textContent = title;
  const value = make("span", "value", heading), input = make("input", "", label), ends = make("span", "ends", label);
  Object.assign(input, {type: "range", min: -MODELS.reach, max: MODELS.reach, step: 0.1});
  input.setAttribute("aria-label", title);
  for (const end of edges ?? ["\u2212", "+"]) make("span", "", ends).textContent = end;
  input.addEventListener("input", () => {
    change({directions: state.directions.map((far, other) => (other === which ? Number(input.value) : far))});
  });
  if (name) make("li", "", element("correlations")).textContent = `${title}: ${correlation.toFixed(2)}`;
  return {input, value};
});

function on(id, event, listener) {
  element(id).addEventListener(event, listener);
}

for (const id of ["number", "into"]) {
  on(id, "input", () => {
    const {text, complaint} = understood(element(id).value);
    const changes = id === "number" ? {text, view: "row"} : {into: text}; // on the wall there is no number
    change(text === null ? {} : changes, complaint);
  });
}
for (const id of ["hand", "other", "blend", "turn"]) {
  on(id, "input", () => {
    const {value, max} = element(id), right = /^\d+$/.test(value) && Number(value) <= Number(max);
    change(right ? {[id]: Number(value)} : {}, right ? "" : `Please give a whole number from 0 to ${max}.`);
  });
}
for (const id of ["number", "into", "hand", "other"]) {
  on(id, "blur", () => {
    say("");
    showFields();
  });
}
on("class", "change", () => change({text: element("class").value}));
on("into-class", "change", () => change({into: element("into-class").value}));
on("each", "change", () => change({each: element("each").checked}));
for (const radio of document.querySelectorAll("[name=view]")) {
  radio.addEventListener("change", () => change({view: radio.value}));
}
const anyHand = () => Math.floor(Math.random() * (maxHand + 1));
on("new-hand", "click", () => leap({hand: anyHand()}));
on("new-other", "click", () => leap({other: anyHand(), blend: state.blend || 50}));
on("middle", "click", () => leap({directions: START.directions}));
on("again", "click", () => leap(START));

// On the wall, a picture gives its hands; the arrows go from one to the next, so that Tab needs to stop there only once.
on("wall", "click", ({target}) => {
  const tile = tiles.wall.find(({element}) => element.contains(target));
  if (!tile) return;
  const {label, hand, other} = tile.cell;
  const lacks = !FIGURES && numClasses > 1 && (state.each || label >= SHOWN); // the row of all, this class by this hand
  leap({view: "row", hand, other, ...(lacks && {text: String(label)})});
  document.querySelector("[name=view]:checked").focus(); // the picture is gone
});
on("wall", "keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own, such as back
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
    await navigator.clipboard.writeText(location.href.split("#")[0] + link());
    say("The link is copied.");
  } catch { // not every browser lets a page do that
    say("Copy the link from the address bar: it shows what you see.");
  }
});

// The start.

function begin() {
  known = location.hash;
  const {found, complaint} = readLink();
  document.activeElement?.blur?.();
  change(found, complaint);
}

element("number-field").hidden = element("into").hidden = !FIGURES;
element("class-field").hidden = FIGURES || numClasses === 1;
element("into-class").hidden = FIGURES;
for (const id of ["turning", "about-turning"]) element(id).hidden = numClasses === 1;
for (const id of ["style", "about-style"]) element(id).hidden = !DIRECTIONS.length;
element("hand").max = element("other").max = maxHand;
element("strong").textContent = MODELS.strong;
if (!FIGURES) {
  element("title").textContent = document.title = "Pictures that nobody made";
  element("row-name").textContent = "A row";
  element("each-name").textContent = "several hands side by side";
  for (const id of numClasses > 1 ? ["class", "into-class"] : []) {
    if (id === "class") element(id).append(new Option(EVERY, ""));
    classNames.forEach((name, label) => element(id).append(new Option(name, label)));
  }
}
addEventListener("hashchange", begin);
begin();

// Where the stage stays above the controls, what has the focus is not hidden behind it.
const stage = document.querySelector(".stage");
function clearOfStage() {
  const above = stage.getBoundingClientRect().right > element("new-hand").getBoundingClientRect().left;
  const stays = above && getComputedStyle(stage).position === "sticky";
  document.documentElement.style.scrollPaddingTop = stays ? `${stage.offsetHeight}px` : "";
}
new ResizeObserver(clearOfStage).observe(stage);
addEventListener("resize", clearOfStage);
