// SPDX-License-Identifier: MIT
//
// All maps of all layers on the drawing, each unit of them to be pointed at, and the nearest training images.
'use strict';

const gallery = {layers: [], views: new Map()};

// Of each layer how its maps are laid out: squares of k pixels, columns of maps.
function layout(layer) {
  const [, height, width] = layer.maps.shape;
  const k = width === 1 ? 10 : Math.max(1, Math.round(44 / width));
  const gap = width === 1 ? 2 : 4;
  const room = Math.max(120, $('maps').clientWidth);
  return {height, width, k, gap, columns: Math.min(layer.maps.shape[0], Math.max(1, Math.floor((room + gap) / (width * k + gap))))};
}

function build_gallery() {
  $('maps').replaceChildren();
  gallery.views.clear();
  for (const {layer, shape} of now.anatomy.layers) {
    if (/(^|\.)flatten\d*$/.test(layer)) continue;  // the same numbers under another shape
    const canvas = make('canvas', {tabindex: 0, role: 'img', 'data-layer': layer});
    const heading = make('h3', {}, `${layer} `, make('span', {}, shape.join(' × ')));
    $('maps').append(make('div', {class: 'map-layer'}, heading, canvas));
    gallery.views.set(layer, {canvas, heading});
    canvas.addEventListener('click', event => {
      const at = unit_at(layer, event);
      if (at) choose_unit(layer, ...at, true);
    });
    canvas.addEventListener('pointermove', event => {
      const at = unit_at(layer, event);
      canvas.title = !at ? '' : `map ${at[0]}` + (shape.length > 1 ? `, row ${at[1]}, column ${at[2]}` : '');
    });
    canvas.addEventListener('keydown', event => move_unit(layer, event));
  }
}
new_network.push(build_gallery);

// The unit (map, row, column) under the pointer.
function unit_at(name, event) {
  const layer = gallery.layers.find(l => l.layer === name);
  if (!layer) return null;
  const {height, width, k, gap, columns} = layout(layer);
  const box = event.target.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  const column = Math.floor(x / (width * k + gap)), row = Math.floor(y / (height * k + gap));
  const map = row * columns + column;
  const i = Math.floor((y - row * (height * k + gap)) / k), j = Math.floor((x - column * (width * k + gap)) / k);
  if (map >= layer.maps.shape[0] || i >= height || j >= width) return null;
  return [map, i, j];
}

// Arrow keys move by one unit, page up and down by one map.
function move_unit(name, event) {
  const layer = gallery.layers.find(l => l.layer === name);
  const move = {ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], PageUp: [-1, 0, 0], PageDown: [1, 0, 0]}[event.key];
  if (!layer || !move) return;
  event.preventDefault();
  const from = chosen.layer === name ? [chosen.map, chosen.row, chosen.col] : [0, 0, 0];
  const vector = layer.maps.shape[2] === 1;
  const to = from.map((v, a) => Math.min(layer.maps.shape[a] - 1, Math.max(0, v + (vector && a === 0 ? move[2] + move[1] + move[0] : vector ? 0 : move[a]))));
  choose_unit(name, ...to, false);
}

const refresh_maps = latest(async () => {
  if (!visible.has('section-maps') || now.state === 'loading') return;
  if (now.running && performance.now() - (gallery.at || 0) < 300) return;
  gallery.at = performance.now();
  const answer = await ask({do: 'maps'});
  gallery.answer = answer;
  gallery.layers = answer.text.layers;
  await new Promise(requestAnimationFrame);
  draw_gallery();
});
$('section-maps').addEventListener('shown', () => refresh_maps());

function draw_gallery() {
  for (const layer of gallery.layers) {
    const view = gallery.views.get(layer.layer);
    if (!view) continue;
    const {data, shape} = placed(gallery.answer, layer.maps);
    const {height, width, k, gap, columns} = layout(layer);
    const signed = layer.min < 0, high = Math.max(layer.max, -layer.min, 1e-9), area = height * width;
    tiles(view.canvas, Array.from({length: shape[0]}, (_, n) => data.subarray(n * area, (n + 1) * area)), height, width, k, columns, gap,
      signed ? {scale: 'signed', high} : {low: 0, high});
    view.canvas.setAttribute('aria-label', `${layer.layer}: ${shape[0]} maps of ${height} x ${width} units, from ${layer.min.toPrecision(2)} to ${layer.max.toPrecision(2)}, ${percent(layer.zeros)} zero. Arrow keys choose a unit.`);
    if (chosen.layer === layer.layer && chosen.map < shape[0]) {
      const c = view.canvas.getContext('2d'), ratio = Math.max(1, Math.round(devicePixelRatio || 1));
      const x = chosen.map % columns * (width * k + gap) + chosen.col * k, y = Math.floor(chosen.map / columns) * (height * k + gap) + chosen.row * k;
      c.strokeStyle = css(colours.plus);
      c.lineWidth = 2 * ratio;
      c.strokeRect((x - 1) * ratio, (y - 1) * ratio, (k + 2) * ratio, (k + 2) * ratio);
    }
  }
}
addEventListener('resize', () => { if (gallery.answer) draw_gallery(); });
new_weights.push(() => refresh_maps());

$('nearest-go').addEventListener('click', () => attempt(async () => {
  remember('nearest');
  const answer = await ask({do: 'nearest'});
  const column = (title, list) => make('div', {}, make('p', {}, title), make('div', {class: 'strip'}, ...list.map(({label, image}) => {
    const canvas = make('canvas', {class: 'pixels', role: 'img', style: 'width:56px;height:56px', 'aria-label': `a training image of class ${label}`});
    paint(canvas, placed(answer, image).data, 28, 28, {high: 255});
    return make('figure', {}, canvas, make('figcaption', {}, label));
  })));
  $('nearest').replaceChildren(column(`Pixel by pixel, of ${answer.text.of}:`, answer.text.by_pixels), column('As the network sees them, by its last features:', answer.text.by_features));
}));
