// SPDX-License-Identifier: MIT
//
// What all sections share: the worker and its answers, elements, colours, pictures of numbers, charts.
'use strict';

const $ = id => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children);
  return e;
}

// The worker.

const worker = new Worker(URL.createObjectURL(new Blob([$('worker').textContent], {type: 'text/javascript'})));
const waiting = new Map();
const listeners = {status: [], contest: []};
let last_id = 0;

worker.onmessage = ({data}) => {
  if (data.event) {
    for (const listen of listeners[data.event]) listen(data);
    return;
  }
  const {resolve, reject} = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error) reject(new Error(data.error)); else resolve(data);
};
worker.onerror = event => trouble(`The library stopped: ${event.message}. Reload the page to begin again.`);

// The answer to a command: {text, numbers, bytes}. Rejects with the library's sentence.
function ask(command, bytes) {
  return new Promise((resolve, reject) => {
    waiting.set(++last_id, {resolve, reject});
    worker.postMessage({id: last_id, command, bytes});
  });
}

// One sentence for the reader, gone with the next thing that works.
function trouble(sentence) {
  $('trouble').textContent = sentence;
  $('trouble').hidden = !sentence;
}

// Runs what a button or a slider asks for; an error becomes a sentence.
async function attempt(work) {
  try {
    const result = await work();
    trouble('');
    return result;
  } catch (error) {
    trouble(error.message);
    return null;
  }
}

// The same function while it runs is run once more at the end, however often it was called.
function latest(work) {
  let again = false;
  const call = async (...args) => {
    if (call.busy) { again = args; return; }
    call.busy = true;
    do {
      again = false;
      await attempt(() => work(...args));
      if (again) args = again;
    } while (again);
    call.busy = false;
  };
  call.busy = false;
  return call;
}

// The numbers that an answer placed somewhere: {data, shape}.
function placed(answer, where) {
  const size = where.shape.reduce((a, b) => a * b, 1);
  return {data: answer.numbers.subarray(where.at, where.at + size), shape: where.shape};
}

// Whether a section is on the screen, or soon will be.
const visible = new Set();
const watch = new IntersectionObserver(entries => {
  for (const e of entries) {
    if (e.isIntersecting) visible.add(e.target.id); else visible.delete(e.target.id);
    if (e.isIntersecting) e.target.dispatchEvent(new Event('shown'));
  }
}, {rootMargin: '200px'});
for (const section of document.querySelectorAll('section.block')) watch.observe(section);

// Colours of the page as numbers; read again when light becomes dark.

let colours = {};
function read_colours() {
  const style = getComputedStyle(document.documentElement);
  const of = name => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16));
  };
  colours = {zero: of('--zero'), ink: of('--ink'), plus: of('--plus-full'), minus: of('--minus-full'), mark: of('--mark'), rule: of('--rule'), quiet: of('--quiet')};
  const {zero, ink, plus, minus} = colours;
  const mixed = (to, t) => 255 << 24 | [2, 1, 0].reduce((word, c) => word | Math.round(zero[c] + t * (to[c] - zero[c])) << 8 * c, 0);
  colours.ink_table = Uint32Array.from({length: 256}, (_, i) => mixed(ink, i / 255));
  colours.signed_table = Uint32Array.from({length: 511}, (_, i) => i < 255 ? mixed(minus, 1 - i / 255) : mixed(plus, i / 255 - 1));
}
read_colours();
const css = (rgb, alpha = 1) => `rgb(${rgb[0]} ${rgb[1]} ${rgb[2]} / ${alpha})`;
const series = ['#0072b2', '#d55e00', '#008f68', '#b0568a', '#9a6a00', '#7a55d0'];
const repaint = [];  // functions that draw what they drew again
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  read_colours();
  for (const again of repaint) again();
});

// Pixels from numbers: "ink" goes from paper to ink in [low, high], "signed" from blue by paper to orange in
// [-high, high]. `pixels` has 32 bits each, their colours are looked up in tables of 256 and 511.
function fill_pixels(pixels, at, step, data, height, width, {scale = 'ink', low = 0, high = 1} = {}) {
  const table = colours[`${scale}_table`], last = table.length - 1;
  const from = scale === 'ink' ? low : -high, factor = last / (high - from || 1);
  for (let i = 0; i < height; ++i)
    for (let j = 0, p = at + i * step, n = i * width; j < width; ++j, ++p, ++n) {
      const t = (data[n] - from) * factor + 0.5;
      pixels[p] = table[t > 0 ? t < last ? t | 0 : last : 0];
    }
}

// A picture of height x width numbers, one canvas pixel each; the style sheet makes them squares.
function paint(canvas, data, height, width, how) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  fill_pixels(new Uint32Array(image.data.buffer), 0, width, data, height, width, how);
  context.putImageData(image, 0, 0);
}

// The same larger, with boxes on it: [{box: [top, left, height, width], colour}] in pixels of the picture.
function paint_large(canvas, data, height, width, how, boxes = [], size = 280) {
  const small = make('canvas');
  paint(small, data, height, width, how);
  const k = Math.max(1, Math.round(size / Math.max(height, width))) * 2;
  canvas.width = width * k;
  canvas.height = height * k;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width * k, height * k);
  for (const {box: [top, left, h, w], colour = 'mark'} of boxes) {
    context.strokeStyle = css(colours[colour]);
    context.lineWidth = 4;
    context.strokeRect(left * k + 1, top * k + 1, w * k - 2, h * k - 2);
  }
}

// A table of numbers with their colours; `edit(i, value)` makes them inputs.
function number_table(data, rows, columns, {high, digits = 2, edit, label = ''} = {}) {
  const most = high ?? Math.max(1e-9, ...data.map(Math.abs));
  const table = make('table', {class: 'numbers', 'aria-label': label});
  for (let i = 0; i < rows; ++i) {
    const row = table.insertRow();
    for (let j = 0; j < columns; ++j) {
      const v = data[i * columns + j];
      const cell = row.insertCell();
      if (edit) {
        cell.append(make('input', {type: 'number', step: 0.5, value: +v.toFixed(3), 'aria-label': `${label}, row ${i + 1}, column ${j + 1}`,
          onchange: event => edit(i * columns + j, Number(event.target.value))}));
      } else {
        cell.textContent = Number.isFinite(v) ? v.toFixed(digits).replace(/^-(0\.?0*)$/, '$1') : '−∞';
      }
      const tint = Math.min(1, Math.abs(v) / most) * 0.45;
      cell.style.background = css(v < 0 ? colours.minus : colours.plus, Number.isFinite(v) ? tint.toFixed(3) : 0);
    }
  }
  return table;
}

function bars(list, names, probabilities) {
  while (list.children.length > names.length) list.lastChild.remove();
  while (list.children.length < names.length) list.append(make('li', {}, make('span'), make('span', {}, make('i')), make('span')));
  const best = probabilities.indexOf(Math.max(...probabilities));
  [...list.children].forEach((item, k) => {
    item.children[0].textContent = names[k];
    item.querySelector('i').style.transform = `scaleX(${probabilities[k]})`;
    item.children[2].textContent = `${(100 * probabilities[k]).toFixed(0)} %`;
    item.className = k === best && probabilities[k] > 0 ? 'first' : '';
  });
}

// The axis of a chart of right answers, in percent: from 80 on where all of them are above.
function accuracy_axis(tests) {
  return tests.length && tests.every(([, p]) => p > 80) ? {low: 80, high: 100, ticks: [[80, '80 %'], [90, '90 %'], [99, '99 %']]}
    : {low: 0, high: 100, ticks: [[0, '0 %'], [50, '50 %'], [90, '90 %']]};
}

// A line chart: lines [{points: [[x, y]], colour}], y ticks [[y, text]].
function chart(canvas, lines, {low, high, ticks, last}) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const c = canvas.getContext('2d');
  c.scale(ratio, ratio);
  const left = 52, right = width - 8, top = 8, bottom = height - 22;
  const x = v => left + (right - left) * v / Math.max(last, 1);
  const y = v => bottom - (bottom - top) * (Math.min(high, Math.max(low, v)) - low) / (high - low);
  c.font = '12px system-ui, sans-serif';
  c.fillStyle = css(colours.quiet);
  c.strokeStyle = css(colours.rule);
  c.lineWidth = 1;
  c.textAlign = 'right';
  c.textBaseline = 'middle';
  for (const [at, text] of ticks) {
    c.beginPath();
    c.moveTo(left, Math.round(y(at)) + 0.5);
    c.lineTo(right, Math.round(y(at)) + 0.5);
    c.stroke();
    c.fillText(text, left - 6, y(at));
  }
  c.textBaseline = 'alphabetic';
  c.fillText(last > 0 ? `step ${last}` : 'no step yet', right, height - 5);
  c.lineJoin = 'round';
  for (const {points, colour, faint} of lines) {
    c.strokeStyle = colour || css(colours.mark, faint ? 0.35 : 1);
    c.lineWidth = faint ? 1 : 2;
    c.beginPath();
    points.forEach(([px, py], i) => { if (i) c.lineTo(x(px), y(py)); else c.moveTo(x(px), y(py)); });
    c.stroke();
    if (!faint && points.length) {
      const [px, py] = points[points.length - 1];
      c.fillStyle = c.strokeStyle;
      c.beginPath();
      c.arc(x(px), y(py), 3, 0, 7);
      c.fill();
    }
  }
}

const percent = p => `${p > 0.995 && p < 1 ? Math.min(99.9, 100 * p).toFixed(1) : (100 * p).toFixed(0)} %`;
