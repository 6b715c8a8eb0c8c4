// What a classifier says: the best classes, and where it saw the first of them.

const TOP = 5;
const ORANGE = [255, 149, 0]; // of what speaks for a class

export function classAnswer({ class_maps: maps, ...others }, { card, seen }) {
  const [scores] = Object.values(others);
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
  const rows = order.slice(0, TOP).map((index) => ({
    label: card.class_names[index],
    share: scores[index],
  }));
  const why = maps && mapOver(seen, maps, card, order[0]);
  return { rows, why };
}

// Where the model saw a class: `class_maps`, of `swin-keras export --explain`.
function mapOver(seen, maps, card, best) {
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
  const side = 224;
  const why = new OffscreenCanvas(side, Math.round((side * seen.height) / seen.width));
  const context = why.getContext("2d");
  context.filter = "grayscale(1)";
  context.drawImage(seen, 0, 0, why.width, why.height);
  context.filter = "none";
  const { patch_size: patch, input_shape } = card.model;
  const [height, width] = card.resized_to ?? input_shape;
  const part = [cellsOver(width, columns, patch), cellsOver(height, rows, patch)];
  context.drawImage(small, 0, 0, ...part, 0, 0, why.width, why.height);
  return why;
}

// How many cells of a map lie over a side of the picture: the last may be padding.
function cellsOver(side, cells, patch) {
  if (!(patch > 0)) return cells;
  let stride = patch; // in pixels
  while (stride < side && Math.ceil(side / stride) > cells) stride *= 2;
  return Math.ceil(side / stride) === cells ? side / stride : cells;
}
