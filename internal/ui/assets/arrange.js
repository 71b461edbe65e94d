// Headgate, MIT licence. Where the tiles of a call stand.
// @ts-check

/** @typedef {{ x: number, y: number, width: number, height: number }} Box in CSS pixels */

/** Between two tiles. */
const GAP = 8;
/** The widest a tile gets. */
const WIDE = 16 / 9;

/**
 * Places equal tiles in a box, as large as they can be, the last row in the middle.
 * @param {number} count
 * @param {Box} box
 * @returns {Box[]}
 */
export function grid(count, box) {
  if (count < 1) return [];
  const tall = box.width < box.height ? 3 / 4 : 4 / 3; // the narrowest
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const size = within((box.width - GAP * (columns - 1)) / columns, (box.height - GAP * (rows - 1)) / rows, tall);
    if (size.width * size.height > best.width * best.height * 1.001) best = { columns, ...size };
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(count / columns);
  const top = box.y + (box.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = box.x + (box.width - inRow * width - (inRow - 1) * GAP) / 2;
    return whole({ x: left + (i % columns) * (width + GAP), y: top + row * (height + GAP), width, height });
  });
}

/**
 * Places one tile large and the others small, beside it or below.
 * @param {number} others how many there are besides the large one
 * @param {Box} box
 * @returns {{ large: Box, small: Box[] }} fewer small ones where not all fit
 */
export function stage(others, box) {
  if (others < 1) return { large: whole(box), small: [] };
  const beside = box.width > box.height * 1.1;
  const width = beside ? clamp(box.width * 0.19, 132, 260) : clamp(box.width * 0.3, 104, 190);
  const height = (width * 9) / 16;
  const room = beside ? box.height : box.width;
  const step = (beside ? height : width) + GAP;
  const count = Math.max(1, Math.min(others, Math.floor((room + GAP) / step)));
  const start = (room - count * step + GAP) / 2;
  const small = Array.from({ length: count }, (_, i) => whole(beside
    ? { x: box.x + box.width - width, y: box.y + start + i * step, width, height }
    : { x: box.x + start + i * step, y: box.y + box.height - height, width, height }));
  const large = beside ? { ...box, width: box.width - width - GAP } : { ...box, height: box.height - height - GAP };
  return { large: whole(large), small };
}

/** The largest size within a width and a height, no wider than WIDE and no narrower than tall. @param {number} width @param {number} height @param {number} tall */
function within(width, height, tall) {
  if (width <= 0 || height <= 0) return { width: 0, height: 0 };
  if (width > height * WIDE) return { width: height * WIDE, height };
  return width < height * tall ? { width, height: width / tall } : { width, height };
}

/** @param {Box} box @returns {Box} */
const whole = ({ x, y, width, height }) => ({ x: Math.round(x), y: Math.round(y), width: Math.max(0, Math.floor(width)), height: Math.max(0, Math.floor(height)) });

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
