// SPDX-License-Identifier: MIT
//
// Learning: the buttons, the recipe, the curves, the filters, and #status for tests and screen readers.
'use strict';

const now = {step: 0, losses: [], tests: [], anatomy: null, running: false, state: 'loading', last: null, chosen_data: 'drawn'};

function show_status(text) {
  const s = $('status');
  s.dataset.step = text.step;
  s.dataset.accuracy = text.accuracy < 0 ? '' : text.accuracy.toFixed(2);
  s.dataset.imagesPerSecond = Math.round(text.images_per_second);
  s.dataset.hash = text.hash;
  s.dataset.state = now.state;
  const words = text.step === 0 ? 'It has not learned anything yet.'
    : `${now.running ? 'Training' : 'Paused'}, step ${text.step}: ${(text.images).toLocaleString('en')} images seen, ` +
      `${text.images_per_second ? `${Math.round(text.images_per_second).toLocaleString('en')} images/s, ` : ''}loss ${text.loss === null ? 'not finite' : text.loss.toPrecision(3)}` +
      `${text.accuracy < 0 ? '.' : `, ${text.accuracy.toFixed(1)} % of ${now.anatomy.data === 'own classes' ? 'your drawings' : 'the test digits'} right.`}`;
  if (s.textContent !== words) s.textContent = words;
  // Ten times a second is for the eye; a screen reader says it every ten seconds.
  if (now.running && performance.now() - (now.spoken || 0) > 10000) {
    now.spoken = performance.now();
    $('spoken').textContent = words;
  }
  $('hash-words').textContent = text.hash;
}

// An answer that has a status in it.
function take_status(answer) {
  const text = answer.text;
  now.last = answer;
  if (text.step < now.step) { now.losses = []; }
  now.step = text.step;
  const losses = placed(answer, text.losses).data;
  now.losses.length = Math.min(now.losses.length, text.losses_before);
  for (const loss of losses) now.losses.push(loss);
  now.tests = text.tests;
  show_status(text);
  show_prediction(answer);
  draw_learning();
}

let drawing_learning = false;
function draw_learning() {
  if (drawing_learning) return;
  drawing_learning = true;
  requestAnimationFrame(() => {
    drawing_learning = false;
    if (!visible.has('section-train') || !now.last) return;
    draw_curves();
    draw_filters();
  });
}
$('section-train').addEventListener('shown', draw_learning);

function draw_curves() {
  const losses = now.losses;
  const group = Math.max(1, Math.ceil(losses.length / 300));
  const raw = [], smooth = [];
  let mean = null;
  for (let i = 0; i < losses.length; i += group) {
    let sum = 0, count = 0;
    for (let j = i; j < Math.min(i + group, losses.length); ++j) { sum += losses[j]; ++count; }
    const l = Math.log10(Math.max(1e-5, sum / count));
    mean = mean === null ? l : 0.8 * mean + 0.2 * l;
    raw.push([i + count, l]);
    smooth.push([i + count, mean]);
  }
  const low = Math.min(-3, Math.floor(Math.min(0, ...smooth.map(([, l]) => l))));
  const ticks = ['1', '0.1', '0.01', '0.001', '0.0001', '0.00001'].map((text, i) => [-i, text]).filter(([at]) => at >= low);
  chart($('chart-loss'), [{points: raw, faint: true}, {points: smooth}], {low, high: 0.7, last: losses.length, ticks});
  $('chart-loss').setAttribute('aria-label', losses.length ? `Loss of every step; after ${losses.length} steps about ${(10 ** mean).toPrecision(2)}` : 'Loss of every step; none yet');
  const tests = now.tests;
  chart($('chart-accuracy'), [{points: tests}], {...accuracy_axis(tests), last: now.step});
  $('chart-accuracy').setAttribute('aria-label', tests.length ? `Test accuracy; after step ${tests.at(-1)[0]} ${tests.at(-1)[1].toFixed(1)} %` : 'Test accuracy; no test yet');
}

// Filters (O, C, K, K) of a convolution, or the weights of a linear layer on the drawing (O, 784) as images.
function draw_filters() {
  const {name, weight} = now.last.text.filters;
  const {data, shape} = placed(now.last, weight);
  const image = shape.length === 2 && shape[1] === 784;
  const [count, height, width] = image ? [shape[0], 28, 28] : shape.length === 4 ? [shape[0] * shape[1], shape[2], shape[3]] : [1, shape[0], shape[1]];
  const shown = Math.min(count, 64);
  const k = Math.max(1, Math.round(45 / width));
  const columns = Math.min(shown, Math.max(4, Math.floor(($('section-train').clientWidth - 4) / (width * k + 6))));
  const high = data.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9);
  tiles($('filters'), Array.from({length: shown}, (_, f) => data.subarray(f * height * width, (f + 1) * height * width)), height, width, k, columns, 6, {scale: 'signed', high});
  $('filters-name').textContent = name.replace(/\.weight$/, '');
  draw_filters.at = {layer: name.replace(/\.weight$/, ''), inputs: shape.length === 4 ? shape[1] : 1, shown, columns, across: width * k + 6, down: height * k + 6};
  $('filters').setAttribute('aria-label', `${shown} filters of ${height} x ${width} weights, the largest ${high.toPrecision(2)}`);
}

// The filter under the pointer; a click leads to its map.
function filter_at(event) {
  const at = draw_filters.at, box = $('filters').getBoundingClientRect();
  if (!at) return null;
  const tile = Math.floor((event.clientY - box.top) / at.down) * at.columns + Math.floor((event.clientX - box.left) / at.across);
  return tile < at.shown ? Math.floor(tile / at.inputs) : null;
}
$('filters').addEventListener('pointermove', event => { const f = filter_at(event); $('filters').title = f === null ? '' : `filter ${f}`; });
$('filters').addEventListener('click', event => {
  const f = filter_at(event), layer = now.anatomy?.layers.find(l => l.layer === draw_filters.at?.layer);
  if (f !== null && layer && f < layer.shape[0]) choose_unit(layer.layer, f, Math.floor((layer.shape[1] || 1) / 2), Math.floor((layer.shape[2] || 1) / 2), true);
});

// Pictures of the same size in rows, each number a square of k pixels, `gap` pixels between them.
function tiles(canvas, pictures, height, width, k, columns, gap, how) {
  const ratio = Math.max(1, Math.round(devicePixelRatio || 1));
  const rows = Math.ceil(pictures.length / columns);
  const W = columns * (width * k + gap) - gap, H = rows * (height * k + gap) - gap;
  if (canvas.width !== W * ratio || canvas.height !== H * ratio) {
    canvas.width = W * ratio;
    canvas.height = H * ratio;
    canvas.style.width = `${W}px`;
    canvas.style.height = `${H}px`;
  }
  const c = canvas.getContext('2d');
  c.imageSmoothingEnabled = false;
  tiles.small ||= make('canvas');
  // All pictures below each other in one small canvas, then each to its place.
  const small = tiles.small;
  small.width = width;
  small.height = height * pictures.length;
  const context = small.getContext('2d', {willReadFrequently: true});
  const image = context.createImageData(width, height * pictures.length);
  const pixels = new Uint32Array(image.data.buffer);
  pictures.forEach((data, n) => fill_pixels(pixels, n * height * width, width, data, height, width, typeof how === 'function' ? how(n) : how));
  context.putImageData(image, 0, 0);
  pictures.forEach((_, n) => {
    const x = n % columns * (width * k + gap), y = Math.floor(n / columns) * (height * k + gap);
    c.drawImage(small, 0, n * height, width, height, x * ratio, y * ratio, width * k * ratio, height * k * ratio);
  });
}

// Buttons.

function show_buttons() {
  const ready = now.state !== 'loading';
  $('train').disabled = !ready || now.running;
  $('pause').disabled = !now.running;
  $('step').disabled = !ready || now.running;
  $('reset').disabled = !ready;
}

function set_running(on) {
  now.running = on;
  now.state = on ? 'training' : 'paused';
  for (const id of ['status', 'answer']) $(id).setAttribute('aria-live', on ? 'off' : 'polite');
  show_buttons();
  if (now.last) show_status(now.last.text);
}

const until = () => Number($('until').value) || undefined;

$('train').addEventListener('click', () => attempt(async () => {
  if (until() && until() <= now.step) throw new Error(`Pause at step: expected a step after ${now.step}, found ${until()}.`);
  await ask({do: 'run', losses_seen: now.losses.length, until: until()});
  set_running(true);
  $('pause').focus({preventScroll: true});
}));
$('pause').addEventListener('click', () => attempt(async () => {
  const answer = await ask({do: 'pause', losses_seen: now.losses.length});
  set_running(false);
  take_status(answer);
  changed_weights();
}));
$('step').addEventListener('click', () => attempt(async () => {
  take_status(await ask({do: 'train', milliseconds: 0, until: now.step + 1, losses_seen: now.losses.length}));
  set_running(false);
  changed_weights();
}));
$('reset').addEventListener('click', () => start_over());

listeners.status.push(data => {
  if (data.error) {
    set_running(false);
    trouble(data.error);
    return;
  }
  if (data.over) set_running(false);
  take_status(data);
  if (data.over) changed_weights();
  refresh_maps();
  // The unit that is looked at follows, unless a button in it is in use.
  if (visible.has('section-look') && performance.now() - (now.looked || 0) > 500 && !$('unit').contains(document.activeElement)) {
    now.looked = performance.now();
    show_unit();
  }
});

// The recipe.

const rate = () => 10 ** Number($('rate').value);
function recipe() {
  return {learning_rate: rate(), batch_size: Number($('batch').value), optimizer: $('optimizer').value, seed: Math.max(1, Number($('seed').value) || 1), label_noise: Number($('noise').value) / 100};
}
function show_recipe() {
  $('rate-words').textContent = rate().toPrecision(2).replace(/\.?0+$/, '');
  $('noise-words').textContent = `${$('noise').value} %`;
  $('batch-words').textContent = $('batch').value;
}
$('recipe').addEventListener('input', show_recipe);
$('rate').addEventListener('change', () => attempt(() => ask({do: 'train', milliseconds: 0, until: 0, learning_rate: rate()})));
$('recipe').addEventListener('submit', event => event.preventDefault());
document.querySelectorAll('form').forEach(form => form.addEventListener('submit', event => event.preventDefault()));

// A new network on the digits that are there, or on others.
function start_over(more = {}, bytes = undefined) {
  return attempt(async () => {
    await ask({do: 'pause', losses_seen: 0});
    set_running(false);
    const data = more.data || ($('data').value === now.chosen_data ? 'here' : $('data').value);
    if (data === 'mnist') ({more, bytes} = await embedded_mnist(more));
    const answer = await ask({do: 'open', data, ...recipe(), ...more}, bytes);
    now.chosen_data = $('data').value;
    take_anatomy(answer);
  });
}

// Everything that a new network changes on the page.
function take_anatomy(answer) {
  now.anatomy = answer.text;
  now.losses = [];
  now.step = 0;
  answer.text.losses_before = 0;
  $('test-size').textContent = answer.text.test_size;
  $('test-words').textContent = answer.text.data === 'own classes' ? 'drawings, the same that it learns from' : 'test digits it never learned from';
  set_running(false);
  take_status(answer);
  for (const listen of new_network) listen();
  changed_weights();
}
const new_network = [];  // called when there is another network
const new_weights = [];  // called when training pauses, and when the drawing changes
function changed_weights() { for (const listen of new_weights) listen(); }
repaint.push(() => { if (now.last) { show_prediction(now.last); draw_learning(); changed_weights(); } });
addEventListener('resize', draw_learning);
