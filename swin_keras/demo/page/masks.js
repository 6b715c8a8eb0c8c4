// What a segmenter says: the class of each pixel, and each class's share of them.

const OPACITY = 0.55; // how much of a class's colour is seen
const EDGE = 0.45; // how bright a pixel at the edge of a class is beside one within
const HIDDEN = "background"; // whose pixels are left as they are

export function maskAnswer(outputs, { card, colours, whole }) {
  const [[name, shape]] = Object.entries(card.outputs);
  const mask = classMap(outputs[name], shape, whole.height, whole.width);
  const pixels = new Array(card.class_names.length).fill(0);
  for (const index of mask) pixels[index]++;
  const order = [...pixels.keys()].filter((index) => pixels[index]);
  order.sort((a, b) => pixels[b] - pixels[a]);
  const rows = order.map((index) => ({
    label: card.class_names[index],
    share: pixels[index] / mask.length,
    colour: card.class_names[index] === HIDDEN ? undefined : colours[index],
  }));
  return { rows, draw: (context) => drawMask(context, mask, card, colours) };
}

// The class of each pixel, of probabilities (h, w, classes): these are resized
// bilinearly, centre of pixel to centre of pixel, and the largest wins.
export function classMap(probabilities, [rows, columns, classes], height, width) {
  const mask = new Uint8Array(height * width);
  const line = new Float32Array(columns * classes);
  const across = Array.from({ length: width }, (_, x) => between(x, width, columns));
  for (let y = 0; y < height; y++) {
    const [above, below, share] = between(y, height, rows);
    for (let i = 0; i < line.length; i++) {
      line[i] =
        probabilities[above * line.length + i] * (1 - share) +
        probabilities[below * line.length + i] * share;
    }
    for (let x = 0; x < width; x++) {
      const [left, right, share] = across[x];
      let most = -1;
      for (let index = 0; index < classes; index++) {
        const value =
          line[left * classes + index] * (1 - share) +
          line[right * classes + index] * share;
        if (value > most) {
          most = value;
          mask[y * width + x] = index;
        }
      }
    }
  }
  return mask;
}

// The two places of a shorter row that are around a place, and the second's weight.
function between(place, count, length) {
  const exact = ((place + 0.5) * length) / count - 0.5;
  const inside = Math.min(Math.max(exact, 0), length - 1);
  const low = Math.floor(inside);
  return [low, Math.min(low + 1, length - 1), inside - low];
}

function drawMask(context, mask, card, colours) {
  const { width, height } = context.canvas;
  const image = context.getImageData(0, 0, width, height);
  mask.forEach((index, place) => {
    if (card.class_names[index] === HIDDEN) return;
    const isEdge =
      ((place + 1) % width && mask[place + 1] !== index) ||
      (place + width < mask.length && mask[place + width] !== index);
    for (let channel = 0; channel < 3; channel++) {
      const colour = colours[index][channel] * (isEdge ? EDGE : 1);
      const was = image.data[4 * place + channel];
      image.data[4 * place + channel] = was + OPACITY * (colour - was);
    }
  });
  context.putImageData(image, 0, 0);
}
