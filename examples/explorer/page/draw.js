// SPDX-License-Identifier: MIT
//
// The drawing surface, by mouse, finger, pen or keyboard, and what the network says to it.
'use strict';

const surface = $('draw');
const drawn = {strokes: [], picture: null, pen: [140, 140], down: false, empty: true};
const pen_width = () => Number($('pen').value);

// Strokes are kept as points, so that they can be drawn crisply in any colour.
function render(canvas, ink, ground) {
  const c = canvas.getContext('2d');
  c.globalCompositeOperation = 'source-over';
  c.clearRect(0, 0, 280, 280);
  if (ground) { c.fillStyle = ground; c.fillRect(0, 0, 280, 280); }
  if (drawn.picture) {
    const small = make('canvas');
    small.width = drawn.picture.width;
    small.height = drawn.picture.height;
    const context = small.getContext('2d'), image = context.createImageData(small.width, small.height);
    const to = ink === '#fff' ? [255, 255, 255] : colours.ink;
    drawn.picture.data.forEach((v, i) => image.data.set([...to, v], 4 * i));
    context.putImageData(image, 0, 0);
    c.imageSmoothingEnabled = false;
    c.drawImage(small, 0, 0, 280, 280);
  }
  c.strokeStyle = c.fillStyle = ink;
  c.lineCap = c.lineJoin = 'round';
  for (const {width, points} of drawn.strokes) {
    c.lineWidth = width;
    c.beginPath();
    points.forEach(([x, y], i) => { if (i) c.lineTo(x, y); else c.moveTo(x, y); });
    if (points.length === 1) { c.lineTo(points[0][0] + 0.01, points[0][1]); }
    c.stroke();
  }
}

function show_surface() {
  render(surface, css(colours.ink));
  $('draw-hint').hidden = drawn.strokes.length > 0 || drawn.picture !== null;
  if (document.activeElement === surface && drawn.keyboard) {
    const c = surface.getContext('2d');
    c.strokeStyle = css(colours.mark);
    c.lineWidth = 2;
    c.beginPath();
    c.arc(...drawn.pen, Math.max(4, pen_width() / 2), 0, 7);
    c.stroke();
  }
}

// The drawing as the library takes it: grey bytes, light on black.
function drawing_bytes() {
  if (drawn.picture && !drawn.strokes.length) return {height: drawn.picture.height, width: drawn.picture.width, bytes: Uint8Array.from(drawn.picture.data), as_it_is: drawn.picture.as_it_is};
  drawing_bytes.canvas ||= Object.assign(make('canvas'), {width: 280, height: 280});
  drawing_bytes.canvas.getContext('2d', {willReadFrequently: true});
  render(drawing_bytes.canvas, '#fff', '#000');
  const {data} = drawing_bytes.canvas.getContext('2d').getImageData(0, 0, 280, 280);
  const bytes = new Uint8Array(280 * 280);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = data[4 * i];
  return {height: 280, width: 280, bytes};
}

const send_drawing = latest(async () => {
  const {height, width, bytes, as_it_is} = drawing_bytes();
  const answer = await ask({do: 'draw', height, width, losses_seen: now.losses.length, ...(as_it_is ? {as_it_is} : {})}, bytes);
  drawn.empty = answer.text.empty;
  take_pixels(answer);
});

function take_pixels(answer) {
  const {data} = placed(answer, answer.text.pixels);
  drawn.pixels = data.slice();
  paint($('seen'), data, 28, 28, {high: 255});
  take_status(answer);
  changed_weights();
  refresh_maps();
}

function show_prediction(answer) {
  const {data} = placed(answer, answer.text.probabilities);
  const p = [...data], names = now.anatomy.classes;
  bars($('bars'), names, drawn.empty ? p.map(() => 0) : p);
  const order = p.map((_, k) => k).sort((a, b) => p[b] - p[a]);
  const words = drawn.empty ? 'Nothing is drawn yet.' : p.some(Number.isNaN) ? 'It cannot say: its numbers are no longer finite.'
    : `It says <b>${escape_html(names[order[0]])}</b>, ${percent(p[order[0]])}.<br>If not, then ${escape_html(names[order[1]])}, ${p[order[1]] < 0.005 ? 'less than 1 %' : percent(p[order[1]])}.`;
  if ($('answer').dataset.words !== words) {
    $('answer').innerHTML = words;
    $('answer').dataset.words = words;
  }
  $('answer').dataset.answer = drawn.empty ? '' : names[order[0]];
}
const escape_html = text => text.replace(/[&<>"]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);

function clear_drawing() {
  drawn.strokes = [];
  drawn.picture = null;
  show_surface();
  send_drawing();
}

// Pointer.

const place = event => {
  const box = surface.getBoundingClientRect();
  return [(event.clientX - box.left) * 280 / box.width, (event.clientY - box.top) * 280 / box.height];
};
surface.addEventListener('pointerdown', event => {
  event.preventDefault();
  surface.setPointerCapture(event.pointerId);
  drawn.keyboard = false;
  if (drawn.picture) drawn.picture = null;
  drawn.strokes.push({width: pen_width(), points: [place(event)]});
  drawn.pointer = event.pointerId;
  show_surface();
});
surface.addEventListener('pointermove', event => {
  if (drawn.pointer !== event.pointerId) return;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const e of events.length ? events : [event]) drawn.strokes.at(-1).points.push(place(e));
  show_surface();
  if (performance.now() - (drawn.sent || 0) > 60) { drawn.sent = performance.now(); send_drawing(); }
});
for (const end of ['pointerup', 'pointercancel'])
  surface.addEventListener(end, event => {
    if (drawn.pointer !== event.pointerId) return;
    drawn.pointer = null;
    send_drawing();
  });

// Keyboard.

surface.addEventListener('keydown', event => {
  const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  if (move) {
    event.preventDefault();
    drawn.keyboard = true;
    drawn.pen = drawn.pen.map((v, i) => Math.min(276, Math.max(4, v + 8 * move[i])));
    if (drawn.down) {
      drawn.strokes.at(-1).points.push([...drawn.pen]);
      send_drawing();
    }
  } else if (event.key === ' ') {
    event.preventDefault();
    drawn.keyboard = true;
    drawn.down = !drawn.down;
    if (drawn.down) {
      drawn.picture = null;
      drawn.strokes.push({width: pen_width(), points: [[...drawn.pen]]});
      send_drawing();
    }
  } else if (event.key === 'Delete' || event.key === 'Backspace') {
    drawn.down = false;
    clear_drawing();
  }
  show_surface();
});
surface.addEventListener('focus', show_surface);
surface.addEventListener('blur', () => { drawn.down = false; show_surface(); });

$('clear').addEventListener('click', clear_drawing);
let example_number = 0;
$('example').addEventListener('click', () => attempt(async () => {
  const answer = await ask({do: 'example', number: example_number++, losses_seen: now.losses.length});
  drawn.strokes = [];
  drawn.picture = {height: 28, width: 28, as_it_is: true, data: [...placed(answer, answer.text.pixels).data]};
  drawn.empty = false;
  show_surface();
  take_pixels(answer);
}));
repaint.push(() => { show_surface(); if (drawn.pixels) paint($('seen'), drawn.pixels, 28, 28, {high: 255}); });
