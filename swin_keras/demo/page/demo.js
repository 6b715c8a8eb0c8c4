// Runs the exported model on dropped pictures or the camera, in this page.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { boxAnswer } from "./boxes.js";
import { classAnswer } from "./classes.js";
import { maskAnswer } from "./masks.js";
import { opaque } from "./pictures.js";

// What a model says, by its task: rows for the list, what to draw on the picture, and
// a picture that tells why. An answer with places is about the whole picture.
const ANSWERS = {
  classify: { of: classAnswer },
  "multi-label": { of: classAnswer },
  segment: { of: maskAnswer, hasPlaces: true },
  detect: { of: boxAnswer, hasPlaces: true, smallest: 640 }, // has names to read
};
const LARGEST = 1024; // pixels a side of the whole picture, as it is shown
const byId = (id) => document.getElementById(id);
const json = async (name) => (await fetch(name)).json();

const card = await json("card.json");
const drawing = await json("drawing.json");
const answer = ANSWERS[card.task];
const [height, width, channels] = card.model.input_shape;
byId("name").textContent = card.name;
byId("about").textContent =
  `${card.variant}, ${height} x ${width} x ${channels}, ` +
  `${card.class_names.length} classes`;

const seen = byId("seen");
seen.width = width;
seen.height = height;
const canvas = seen.getContext("2d", { willReadFrequently: true });
canvas.imageSmoothingQuality = "high";
const frame = new OffscreenCanvas(1, 1); // the whole picture, before it is shown

let model;
try {
  await loadLiteRt("/litertjs/core/wasm/", { threads: crossOriginIsolated });
  model = await loadAndCompile("model.tflite", { accelerator: "wasm" });
  byId("status").textContent = "Ready";
} catch (error) {
  byId("status").textContent = `The model cannot be run here: ${error.message}`;
  throw error;
}

// Ask the model about a picture, and show both: one after the other, since they share
// the canvases; and only while that is wanted, since there may be a newer one by then.
let turn = Promise.resolve();
function look(isWanted, ...picture) {
  const mine = turn.then(() => isWanted() && lookAt(isWanted, ...picture));
  turn = mine.catch(() => {}); // whoever asked is told
  return mine;
}

async function lookAt(isWanted, source, sourceWidth, sourceHeight) {
  const part = partOf(sourceWidth, sourceHeight);
  canvas.fillStyle = "black";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(source, ...part, 0, 0, width, height);
  const longer = Math.max(sourceWidth, sourceHeight);
  const scale = Math.min(Math.max(longer, answer.smallest ?? 0), LARGEST) / longer;
  frame.width = Math.max(1, Math.round(sourceWidth * scale));
  frame.height = Math.max(1, Math.round(sourceHeight * scale));
  frame.getContext("2d").drawImage(source, 0, 0, frame.width, frame.height);
  const start = performance.now();
  const outputs = await run();
  const took = performance.now() - start;
  if (!isWanted()) return;
  const [x, y, w, h] = part;
  const place = { x: x / sourceWidth, y: y / sourceHeight };
  Object.assign(place, { width: w / sourceWidth, height: h / sourceHeight });
  const said = answer.of(outputs, { card, seen, place, whole: frame, ...drawing });
  const drawn = said.draw ?? ((context) => drawFrame(context, part, scale));
  drawn(frame.getContext("2d"));
  show(true);
  copy(frame, byId("whole"));
  byId("because").hidden = !said.why;
  if (said.why) copy(said.why, byId("why"));
  byId("scores").replaceChildren(...said.rows.map(rowOf));
  const found = said.rows.length ? "" : "Nothing is found; ";
  byId("status").textContent = `${found}${took.toFixed(1)} ms in this browser`;
  document.body.dataset.best = said.rows[0]?.label ?? "nothing";
}

// Where the model looks, as in training: at the whole picture, stretched or with black
// beyond two of its sides, or at the centre of the model's aspect ratio.
function partOf(sourceWidth, sourceHeight) {
  if (answer.hasPlaces && !card.letter_box) return [0, 0, sourceWidth, sourceHeight];
  const sides = [sourceWidth / width, sourceHeight / height];
  const scale = answer.hasPlaces
    ? Math.max(...sides)
    : Math.min(...sides) * card.crop_fraction;
  const [w, h] = [width * scale, height * scale];
  return [(sourceWidth - w) / 2, (sourceHeight - h) / 2, w, h];
}

// A frame around what the model sees of the picture.
function drawFrame(context, part, scale) {
  const line = Math.max(context.canvas.width, context.canvas.height) / 150;
  context.lineWidth = line;
  context.strokeStyle = "#ff9500";
  const [x, y, w, h] = part.map((value) => value * scale);
  context.strokeRect(x + line / 2, y + line / 2, w - line, h - line);
}

function copy(source, target) {
  target.width = source.width;
  target.height = source.height;
  target.getContext("2d").drawImage(source, 0, 0);
}

// Show a picture and its scores, or neither: old ones would be taken for new.
function show(isThere) {
  for (const id of ["whole", "view"]) byId(id).hidden = !isThere;
  byId("because").hidden = true;
  byId("hint").hidden = isThere;
  if (!isThere) {
    byId("scores").replaceChildren();
    delete document.body.dataset.best;
  }
}

// Red, green, blue, 0 to 255; or the brightness alone.
function pixels() {
  const { data } = canvas.getImageData(0, 0, width, height);
  const values = new Float32Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
    if (channels === 1) {
      values[pixel] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    } else {
      values.set([red, green, blue], 3 * pixel);
    }
  }
  return values;
}

// The model's outputs by name, as numbers.
async function run() {
  const images = new Tensor(pixels(), [1, height, width, channels]);
  const tensors = await model.run({ images });
  const outputs = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    outputs[name] = Array.from(tensor.toTypedArray());
    tensor.delete();
  }
  images.delete();
  return outputs;
}

function rowOf({ label, share, colour }) {
  const item = document.createElement("li");
  const row = document.createElement("div");
  const name = document.createElement("span");
  const score = document.createElement("span");
  const bar = document.createElement("div");
  row.className = "row";
  name.className = "label";
  bar.className = "bar";
  name.textContent = label;
  score.textContent = `${(100 * share).toFixed(1)} %`;
  bar.style.backgroundSize = `${100 * share}% 100%`;
  if (colour) bar.style.setProperty("--bar", `rgb(${colour})`);
  row.append(name, score);
  item.append(row, bar);
  return item;
}

// Pictures, cameras and stops so far. Only what was asked for last is shown: neither a
// picture that takes longer to decode, nor its error, nor a camera that is granted late.
let asked = 0;
function ask() {
  stopCamera();
  return ++asked;
}

async function openPicture(blob) {
  const number = ask();
  const isWanted = () => number === asked;
  try {
    const decoded = await createImageBitmap(blob, {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
    const picture = blob.type === "image/jpeg" ? decoded : opaque(decoded);
    await look(isWanted, picture, picture.width, picture.height);
  } catch (error) {
    if (!isWanted()) return;
    show(false);
    byId("status").textContent = `This is no picture that can be shown: ${error.message}`;
  }
}

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) openPicture(file);
  event.target.value = ""; // so that the same file can be chosen again
});
const drop = byId("drop");
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) openPicture(file);
});

const camera = byId("camera");
async function openCamera() {
  const number = ask();
  const isWanted = () => number === asked;
  byId("start").disabled = true;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    if (!isWanted()) return stop(stream); // or nobody would
    camera.srcObject = stream;
    await camera.play();
    if (!isWanted()) return;
    byId("start").hidden = true;
    byId("stop").hidden = false;
    while (isWanted()) {
      await look(isWanted, camera, camera.videoWidth, camera.videoHeight);
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    if (!isWanted()) return;
    stopCamera();
    byId("status").textContent = `The camera cannot be used: ${error.message}`;
  }
}
byId("start").addEventListener("click", openCamera);
byId("stop").addEventListener("click", ask);

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function stopCamera() {
  if (camera.srcObject) stop(camera.srcObject);
  camera.srcObject = null;
  byId("start").hidden = byId("start").disabled = false;
  byId("stop").hidden = true;
}

document.body.dataset.ready = "true";
