// Runs the exported model on dropped pictures or the camera, in this page.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

const TOP = 5;
const ORANGE = [255, 149, 0]; // of what speaks for a class
const LARGEST = 1024; // pixels a side of the whole picture, as it is shown
const byId = (id) => document.getElementById(id);

const card = await (await fetch("card.json")).json();
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

let model;
try {
  await loadLiteRt("/litertjs/core/wasm/", { threads: crossOriginIsolated });
  model = await loadAndCompile("model.tflite", { accelerator: "wasm" });
  byId("status").textContent = "Ready";
} catch (error) {
  byId("status").textContent = `The model cannot be run here: ${error.message}`;
  throw error;
}

// The centre crop of the model's aspect ratio, as in training.
function draw(source, sourceWidth, sourceHeight) {
  const scale =
    Math.min(sourceWidth / width, sourceHeight / height) * card.crop_fraction;
  const [w, h] = [width * scale, height * scale];
  const [x, y] = [(sourceWidth - w) / 2, (sourceHeight - h) / 2];
  canvas.fillStyle = "black";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(source, x, y, w, h, 0, 0, width, height);
  drawWhole(source, sourceWidth, sourceHeight, [x, y, w, h]);
  show(true);
}

// The whole picture, with a frame around what the model sees of it.
function drawWhole(source, sourceWidth, sourceHeight, frame) {
  const scale = Math.min(1, LARGEST / Math.max(sourceWidth, sourceHeight));
  const whole = byId("whole");
  whole.width = Math.max(1, Math.round(sourceWidth * scale));
  whole.height = Math.max(1, Math.round(sourceHeight * scale));
  const context = whole.getContext("2d");
  context.drawImage(source, 0, 0, whole.width, whole.height);
  const line = Math.max(whole.width, whole.height) / 150;
  context.lineWidth = line;
  context.strokeStyle = "#ff9500";
  const [x, y, w, h] = frame.map((value) => value * scale);
  context.strokeRect(x + line / 2, y + line / 2, w - line, h - line);
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

// The colours of the file without its transparency, as in training: a canvas would
// blend them. Where there is no WebGL or the picture is too large for it, it does.
function opaque(picture) {
  const { width, height } = picture;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
    return picture;
  }
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(
    ...[gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D],
    ...[gl.getParameter(gl.TEXTURE_BINDING_2D), 0],
  );
  const image = new ImageData(width, height);
  const bytes = new Uint8Array(image.data.buffer);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  for (let alpha = 3; alpha < bytes.length; alpha += 4) bytes[alpha] = 255;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  const result = new OffscreenCanvas(width, height);
  result.getContext("2d").putImageData(image, 0, 0);
  return result;
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

async function classify() {
  const images = new Tensor(pixels(), [1, height, width, channels]);
  const start = performance.now();
  const outputs = await model.run(images);
  const all = Array.isArray(outputs) ? outputs : Object.values(outputs);
  const arrays = all.map((output) => Array.from(output.toTypedArray()));
  const scores = arrays.find((one) => one.length === card.class_names.length);
  const took = performance.now() - start;
  for (const tensor of [images, ...all]) tensor.delete();
  showScores(scores);
  const maps = arrays.find((one) => one !== scores);
  if (maps) drawWhy(maps, scores.indexOf(Math.max(...scores)));
  byId("status").textContent = `${took.toFixed(1)} ms in this browser`;
  document.body.dataset.best = byId("scores").querySelector(".label").textContent;
}

// Where the model saw its best class: `class_maps`, of `swin-keras export --explain`.
function drawWhy(maps, best) {
  const [rows, columns, classes] = card.outputs.class_maps;
  const values = Array.from({ length: rows * columns }, (_, place) =>
    Math.max(0, maps[place * classes + best]),
  );
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  const map = new ImageData(columns, rows);
  values.forEach((value, place) => {
    map.data.set([...ORANGE, (200 * (value - least)) / span], 4 * place);
  });
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(map, 0, 0);
  const why = byId("why");
  why.width = 224;
  why.height = Math.round((224 * height) / width);
  const context = why.getContext("2d");
  context.filter = "grayscale(1)";
  context.drawImage(seen, 0, 0, why.width, why.height);
  context.filter = "none";
  context.drawImage(small, 0, 0, why.width, why.height);
  byId("because").hidden = false;
}

function showScores(scores) {
  const order = scores.map((_, index) => index).sort((a, b) => scores[b] - scores[a]);
  const rows = order.slice(0, TOP).map((index) => {
    const item = document.createElement("li");
    const row = document.createElement("div");
    const label = document.createElement("span");
    const score = document.createElement("span");
    const bar = document.createElement("div");
    row.className = "row";
    label.className = "label";
    bar.className = "bar";
    label.textContent = card.class_names[index];
    score.textContent = `${(100 * scores[index]).toFixed(1)} %`;
    bar.style.backgroundSize = `${100 * scores[index]}% 100%`;
    row.append(label, score);
    item.append(row, bar);
    return item;
  });
  byId("scores").replaceChildren(...rows);
}

async function openPicture(blob) {
  try {
    const decoded = await createImageBitmap(blob, {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
    const picture = blob.type === "image/jpeg" ? decoded : opaque(decoded);
    draw(picture, picture.width, picture.height);
    await classify();
  } catch (error) {
    show(false);
    byId("status").textContent = `This is no picture that can be shown: ${error.message}`;
  }
}

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) openPicture(file);
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
async function everyFrame() {
  while (camera.srcObject) {
    draw(camera, camera.videoWidth, camera.videoHeight);
    await classify();
    await new Promise(requestAnimationFrame);
  }
}
byId("start").addEventListener("click", async () => {
  try {
    camera.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await camera.play();
  } catch (error) {
    byId("status").textContent = `The camera cannot be used: ${error.message}`;
    return;
  }
  byId("start").hidden = true;
  byId("stop").hidden = false;
  everyFrame();
});
byId("stop").addEventListener("click", () => {
  for (const track of camera.srcObject.getTracks()) track.stop();
  camera.srcObject = null;
  byId("start").hidden = false;
  byId("stop").hidden = true;
});

document.body.dataset.ready = "true";
