// SPDX-License-Identifier: MIT
//
// One unit with everything it is made of; what a map responds to; what the answer rests on.
'use strict';

const chosen = {layer: '', map: 0, row: 0, col: 0, channel: null};

function fill_layers() {
  const names = now.anatomy.layers.map(l => l.layer).filter(name => !/(^|\.)flatten\d*$/.test(name));
  $('unit-layer').replaceChildren(...names.map(name => make('option', {}, name)));
  if (!names.includes(chosen.layer)) {
    const layer = now.anatomy.layers.find(l => l.layer === names[0]);
    Object.assign(chosen, {layer: names[0], map: 0, row: Math.floor((layer.shape[1] || 1) / 2), col: Math.floor((layer.shape[2] || 1) / 2), channel: null});
  }
  $('attribution-class').replaceChildren(make('option', {value: ''}, 'its answer'), ...now.anatomy.classes.map((name, k) => make('option', {value: k}, name)));
  for (const id of Object.keys(rests_on)) $(id).replaceChildren();
}
new_network.push(fill_layers);

// What was asked for goes when it no longer holds: the weights, the drawing or the chosen map are others.
const weights = () => now.last.text.hash;
const rests_on = {wants: () => [weights(), chosen.layer, chosen.map], prototypes: () => [weights()], attribution: () => [weights(), drawn.pixels], nearest: () => [weights(), drawn.pixels]};
const asked = {};
function remember(id) { asked[id] = rests_on[id](); }
function forget_answers() {
  for (const [id, of] of Object.entries(rests_on))
    if ($(id).firstChild && asked[id] && of().some((v, i) => v !== asked[id][i])) $(id).replaceChildren();
}
new_weights.push(forget_answers);

function choose_unit(layer, map, row, col, scroll) {
  Object.assign(chosen, {layer, map, row, col, channel: chosen.layer === layer && chosen.map === map ? chosen.channel : null});
  draw_gallery();
  show_unit();
  forget_answers();
  if (scroll) $('section-look').scrollIntoView({block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'});
}
for (const [id, name] of [['unit-layer', 'layer'], ['unit-map', 'map'], ['unit-row', 'row'], ['unit-col', 'col']])
  $(id).addEventListener('change', () => {
    chosen[name] = name === 'layer' ? $(id).value : Math.max(0, Math.floor(Number($(id).value) || 0));
    const {shape} = now.anatomy.layers.find(l => l.layer === chosen.layer);
    chosen.map = Math.min(chosen.map, shape[0] - 1);
    chosen.row = Math.min(chosen.row, (shape[1] || 1) - 1);
    chosen.col = Math.min(chosen.col, (shape[2] || 1) - 1);
    if (name !== 'row' && name !== 'col') chosen.channel = null;
    draw_gallery();
    show_unit();
    forget_answers();
  });

const show_unit = latest(async () => {
  if (!chosen.layer) return;
  const {layer, map, row, col} = chosen;
  $('unit-layer').value = layer;
  for (const [id, v] of [['unit-map', map], ['unit-row', row], ['unit-col', col]]) $(id).value = v;
  const answer = await ask({do: 'unit', layer, map, row, col});
  const text = answer.text;
  const boxes = [];
  if (text.seen) boxes.push({box: text.seen, colour: 'mark'});
  if (drawn.pixels) paint_large($('field'), drawn.pixels, 28, 28, {high: 255}, boxes);
  else paint_large($('field'), new Float32Array(784), 28, 28, {}, boxes);
  $('field-words').textContent = text.seen
    ? `This unit sees ${text.seen[2]} × ${text.seen[3]} pixels of the drawing, from row ${text.seen[0]}, column ${text.seen[1]}.` : 'What it sees is not known.';
  const last = layer === now.anatomy.layers.at(-1).layer;
  const at = `${layer}, map ${map}` + (last ? `, which speaks for ${now.anatomy.classes[map]}` : text.kind === 'fc' ? '' : `, row ${row}, column ${col}`);
  const parts = [make('p', {}, make('b', {}, at), `: ${number(text.value)} at step ${text.step}`)];
  if (text.kind === 'conv') parts.push(...conv_parts(answer));
  else if (text.kind === 'fc') parts.push(...linear_parts(answer));
  else if (text.kind === 'pool') {
    const {data, shape} = placed(answer, text.window);
    parts.push(make('p', {}, `The largest of the ${shape[0]} × ${shape[1]} values of ${text.from} that it covers:`), number_table([...data], ...shape, {label: 'values'}));
  } else if (text.input !== undefined) {
    parts.push(make('p', {}, text.kind === 'relu' ? `${text.from} gives ${number(text.input)}; ReLU keeps what is above zero: ${number(text.value)}.`
      : `${text.from} gives ${number(text.input)}, and this layer makes ${number(text.value)} of it.`));
  }
  $('unit').replaceChildren(...parts);
});
const number = v => Number.isFinite(v) ? (Math.abs(v) >= 1000 || (v !== 0 && Math.abs(v) < 0.001) ? v.toExponential(2) : v.toFixed(3)).replace('-', '−') : 'not finite';

function conv_parts(answer) {
  const text = answer.text, parts = [];
  const window = placed(answer, text.window), kernel = placed(answer, text.kernel), products = placed(answer, text.products);
  const [C, K] = window.shape, area = K * K;
  const largest = text.by_channel.reduce((best, v, c, all) => Math.abs(v) > Math.abs(all[best]) ? c : best, 0);
  const channel = chosen.channel ?? largest;
  const of = x => [...x.data.subarray(channel * area, (channel + 1) * area)];
  if (C > 1) {
    const high = Math.max(...text.by_channel.map(Math.abs), 1e-9);
    parts.push(make('p', {class: 'note'}, `It reads ${C} maps of ${text.from}; each bar is what one of them adds. Shown is map ${channel}. Choose another:`),
      make('div', {class: 'channels', role: 'group', 'aria-label': 'Maps that it reads'}, ...text.by_channel.map((v, c) => {
        const h = Math.abs(v) / high * 26;
        return make('button', {type: 'button', 'aria-pressed': c === channel ? 'true' : 'false', 'aria-label': `map ${c} adds ${number(v)}`, title: `map ${c} adds ${number(v)}`,
          onclick: () => { chosen.channel = c; show_unit().then(() => $('unit').querySelector('[aria-pressed=true]')?.focus({preventScroll: true})); }},
          make('i', {style: `height:${h}px;${v < 0 ? 'top:27px' : `bottom:27px`};background:${css(v < 0 ? colours.minus : colours.plus)}`}));
      })));
  }
  const labelled = (label, table) => make('figure', {}, table, make('figcaption', {}, label));
  parts.push(make('div', {class: 'sum'},
    labelled(text.from === 'drawing' ? 'the drawing there, scaled' : `${text.from}, map ${channel}`, number_table(of(window), K, K, {label: 'window'})), make('b', {}, '×'),
    labelled('kernel', number_table(of(kernel), K, K, {label: 'kernel'})), make('b', {}, '='),
    labelled('products', number_table(of(products), K, K, {label: 'products'}))));
  parts.push(make('p', {class: 'result', 'data-sum': text.sum, 'data-value': text.value},
    C > 1 ? `Sum over all ${C} maps ${number(text.sum - text.bias)}, and the bias ${number(text.bias)}: ` : `Sum ${number(text.sum - text.bias)}, and the bias ${number(text.bias)}: `, make('b', {}, number(text.sum))));
  return parts;
}

function linear_parts(answer) {
  const text = answer.text;
  const rows = text.largest.map(({feature, input, weight, product, unit, layer}) => make('tr', {},
    make('td', {}, unit ? make('button', {type: 'button', onclick: () => { if (layer !== 'drawing') choose_unit(layer, ...unit, false); }}, `${layer} ${unit.join(', ')}`) : `${text.from} ${feature}`),
    make('td', {}, number(input)), make('td', {}, number(weight)), make('td', {}, number(product))));
  const table = make('table', {class: 'numbers', 'aria-label': 'The largest products'}, make('thead', {}, make('tr', {}, ...['input', 'value', 'weight', 'product'].map(t => make('th', {scope: 'col'}, t)))), make('tbody', {}, ...rows));
  return [make('p', {class: 'note'}, `It reads ${text.inputs} numbers of ${text.from}. The ten largest products:`), make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The largest products'}, table),
    make('p', {class: 'result', 'data-sum': text.sum, 'data-value': text.value}, `Sum of all ${text.inputs} products ${number(text.sum - text.bias)}, and the bias ${number(text.bias)}: `, make('b', {}, number(text.sum)))];
}
new_weights.push(() => { if (visible.has('section-look')) show_unit(); });
$('section-look').addEventListener('shown', () => show_unit());

// What a map responds to.

function picture(data, height, width, how, caption, size = 112, boxes = []) {
  const canvas = make('canvas', {class: 'pixels', role: 'img', 'aria-label': caption, style: `width:${size}px;height:${size * height / width}px`});
  paint_large(canvas, data, height, width, how, boxes, size);
  return make('figure', {}, canvas, make('figcaption', {}, caption));
}

$('wants-go').addEventListener('click', () => attempt(async () => {
  const {layer, map} = chosen;
  remember('wants');
  const wants = await ask({do: 'wants', layer, map});
  const image = placed(wants, wants.text.image).data;
  const strongest = await ask({do: 'strongest', layer, map});
  const [top, left, height, width] = wants.text.seen || [0, 0, 28, 28];
  const patch = Float32Array.from({length: height * width}, (_, i) => image[(top + Math.floor(i / width)) * 28 + left + i % width]);
  $('wants').replaceChildren(
    picture(patch, height, width, {}, `${layer}, map ${map}: the ${height} × ${width} pixels that raise its middle unit from ${number(wants.text.before)} to ${number(wants.text.after)}`, 140),
    ...strongest.text.patches.map(p => picture(placed(strongest, p.image).data, 28, 28, {high: 255}, `a ${p.label}: ${number(p.activation)}`, 84, [{box: p.box, colour: 'plus'}])));
  if (strongest.text.patches.length) $('wants').append(make('p', {class: 'note whole'}, `The training images, of ${strongest.text.of}, that excite it most: where, in the frame, and how much.`));
  else $('wants').append(make('p', {class: 'note'}, `None of ${strongest.text.of} training images excites it: it is dead, or not trained yet.`));
}));

// What the answer rests on.

const methods = {saliency: 'Saliency', integrated_gradients: 'Integrated gradients', grad_cam: 'Grad-CAM', occlusion: 'Occlusion'};
$('attribution-go').addEventListener('click', () => attempt(async () => {
  if (drawn.empty) throw new Error('Attribution: expected a drawing, found an empty one.');
  const k = $('attribution-class').value;
  $('attribution').replaceChildren();
  remember('attribution');
  for (const [method, title] of Object.entries(methods)) {
    let answer;
    try {
      answer = await ask({do: 'attribution', method, ...(k === '' ? {} : {class: Number(k)})});
    } catch (error) {
      $('attribution').append(make('p', {class: 'note'}, error.message));
      continue;
    }
    const {data, shape} = placed(answer, answer.text.map);
    const high = data.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-12);
    const {map, brightness} = answer.text.faithfulness;
    const better = map.deletion < brightness.deletion && map.insertion > brightness.insertion;
    const figure = picture(data, shape[0], shape[1], {scale: 'signed', high}, `${title} for ${now.anatomy.classes[answer.text.class]}`, 150);
    figure.dataset.method = method;
    figure.append(make('figcaption', {}, `deletion ${map.deletion.toFixed(2)} (brightness ${brightness.deletion.toFixed(2)}), insertion ${map.insertion.toFixed(2)} (${brightness.insertion.toFixed(2)}): `,
      make('b', {}, better ? 'beats the drawing itself' : map.deletion < brightness.deletion || map.insertion > brightness.insertion ? 'beats it in one of two' : 'shows nothing more than the drawing')));
    $('attribution').append(figure);
  }
}));

$('prototypes-go').addEventListener('click', () => attempt(async () => {
  remember('prototypes');
  const answer = await ask({do: 'prototypes'});
  const images = placed(answer, answer.text.images).data, p = placed(answer, answer.text.probabilities).data;
  $('prototypes').replaceChildren(...answer.text.classes.map((name, k) => picture(images.subarray(784 * k, 784 * (k + 1)), 28, 28, {}, `${name}, ${percent(p[k])}`, 84)));
}));
