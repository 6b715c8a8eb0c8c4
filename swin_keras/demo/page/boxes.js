// What a detector says: boxes, each with a class and a score.

export function boxAnswer({ boxes, classes, scores, count }, page) {
  const { card, colours, shown, place } = page; // of the input in the picture
  const found = [];
  for (let i = 0; i < Math.round(count[0]) && scores[i] >= shown; i++) {
    const index = Math.round(classes[i]);
    const [top, left, bottom, right] = boxes.slice(4 * i, 4 * i + 4);
    const across = inside([left, right], place.x, place.width);
    const down = inside([top, bottom], place.y, place.height);
    if (across[0] >= across[1] || down[0] >= down[1]) continue; // in the black alone
    found.push({
      label: card.class_names[index],
      share: scores[i],
      colour: colours[index],
      box: [across[0], down[0], across[1], down[1]],
    });
  }
  return { rows: found, draw: (context) => drawBoxes(context, found) };
}

// Edges in shares of the input as shares of the picture, which they do not leave.
function inside(edges, start, size) {
  return edges.map((edge) => Math.min(Math.max(start + edge * size, 0), 1));
}

function drawBoxes(context, found) {
  const { width, height } = context.canvas;
  const line = Math.max(2, Math.min(width, height) / 150);
  const letters = Math.min(Math.max(11, Math.min(width, height) / 28), 20);
  context.font = `${letters}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  // The most certain is drawn last, over the others.
  for (const { label, share, colour, box } of [...found].reverse()) {
    const [left, right] = [box[0] * width, box[2] * width];
    const [top, bottom] = [box[1] * height, box[3] * height];
    context.lineWidth = line;
    context.strokeStyle = `rgb(${colour})`;
    context.strokeRect(
      ...[left + line / 2, top + line / 2],
      ...[Math.max(right - left - line, 1), Math.max(bottom - top - line, 1)],
    );
    const text = `${label} ${(100 * share).toFixed(0)} %`;
    const [across, high] = [context.measureText(text).width + 6, 1.4 * letters];
    const x = Math.max(0, Math.min(left, width - across));
    const y = top >= high ? top - high : Math.min(Math.max(top, 0), height - high);
    context.fillStyle = `rgb(${colour})`;
    context.fillRect(x, y, across, high);
    context.fillStyle = textOn(colour);
    context.fillText(text, x + 3, y + high / 2);
  }
}

// Whichever is easier to read on a colour.
function textOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "black" : "white";
}
