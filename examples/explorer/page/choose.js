// SPDX-License-Identifier: MIT
//
// Choose the network: a list of layers, and networks side by side on the same digits.
'use strict';

const choose = {list: [], name: 'course', contest: [], rows: []};
const layer_words = ({layer, out, kernel, share}) => ({conv: `convolution ${kernel ?? 3} × ${kernel ?? 3}, ${out ?? 16} maps`, relu: 'ReLU', max_pool: `max pooling ${kernel ?? 2} × ${kernel ?? 2}`, batch_norm: 'batch norm', residual: 'residual block', global_avg_pool: 'global average', dropout: `dropout ${share ?? 0.25}`, linear: `linear, ${out ?? 64}`}[layer]);

function show_list() {
  const button = (words, label, work) => make('button', {type: 'button', 'aria-label': label, onclick: () => { work(); choose.name = 'own network'; show_list(); }}, words);
  $('layers').replaceChildren(...choose.list.map((layer, i) => make('li', {}, layer_words(layer),
    i > 0 ? button('←', `Move ${layer_words(layer)} to the front`, () => choose.list.splice(i - 1, 2, choose.list[i], choose.list[i - 1])) : '',
    button('×', `Remove ${layer_words(layer)}`, () => choose.list.splice(i, 1)))),
    make('li', {}, now.anatomy ? `linear, ${now.anatomy.classes.length} classes` : 'linear'));
}
new_network.push(() => {
  choose.list = structuredClone(now.anatomy.list);
  const presets = now.anatomy.presets, same = Object.keys(presets).find(name => JSON.stringify(presets[name]) === JSON.stringify(choose.list));
  choose.name = same || 'own network';
  $('choose-preset').replaceChildren(...Object.keys(presets).sort((a, b) => presets[a].length - presets[b].length).map(name => make('option', {}, name)));
  if (same) $('choose-preset').value = same;
  show_list();
});
$('choose-preset').addEventListener('change', () => {
  choose.name = $('choose-preset').value;
  choose.list = structuredClone(now.anatomy.presets[choose.name]);
  show_list();
});
$('layer-add').addEventListener('click', () => {
  const layer = $('layer-kind').value, out = Number($('layer-out').value), kernel = Number($('layer-kernel').value);
  choose.list.push(layer === 'conv' ? {layer, out, kernel} : layer === 'linear' ? {layer, out} : layer === 'max_pool' ? {layer, kernel: 2} : {layer});
  choose.name = 'own network';
  show_list();
});
$('choose-use').addEventListener('click', () => start_over({layers: choose.list, data: 'here'}));

function show_contest(rows) {
  $('contest').tBodies[0].replaceChildren(...rows.map((r, i) => make('tr', {}, make('td', {}, make('span', {class: 'swatch', style: `background:${series[i]}`}), r.name),
    make('td', {}, r.parameters.toLocaleString('en')), make('td', {}, `${r.sees} × ${r.sees}`), make('td', {}, String(r.step ?? 0)),
    make('td', {}, r.accuracy === undefined || r.accuracy < 0 ? '' : `${r.accuracy.toFixed(1)} %`), make('td', {}, r.images_per_second ? Math.round(r.images_per_second).toLocaleString('en') : ''))));
  const last = Math.max(0, ...rows.map(r => r.step ?? 0));
  chart($('chart-contest'), rows.map((r, i) => ({points: r.tests || [], colour: series[i]})), {...accuracy_axis(rows.flatMap(r => r.tests || [])), last});
}
$('choose-compare').addEventListener('click', () => attempt(async () => {
  if (choose.contest.length >= 6) throw new Error('Comparison: expected at most 6 networks, found one more.');
  const networks = [...choose.contest, {name: choose.name, layers: structuredClone(choose.list)}];
  choose.rows = (await ask({do: 'contest', networks, ...recipe()})).text.networks;
  choose.contest = networks;
  show_contest(choose.rows);
}));
$('contest-clear').addEventListener('click', () => attempt(async () => {
  choose.contest = [];
  choose.rows = [];
  await ask({do: 'contest', networks: []});
  show_contest([]);
}));
$('contest-go').addEventListener('click', () => attempt(async () => {
  if (!choose.contest.length) throw new Error('Comparison: expected one network or more, found none; add one to the table.');
  await ask({do: 'pause', losses_seen: now.losses.length});
  set_running(false);
  choose.rows = (await ask({do: 'contest', networks: choose.contest, ...recipe()})).text.networks;
  await ask({do: 'run', contest: true, until: 400});
  now.state = 'comparing';
}));
listeners.contest.push(data => {
  if (data.error) return trouble(data.error);
  choose.rows = choose.rows.map((row, i) => ({...row, ...data.text.networks[i]}));
  show_contest(choose.rows);
  if (data.over) { now.state = 'paused'; show_status(now.last.text); }
});
$('section-choose').addEventListener('shown', () => show_contest(choose.rows));
repaint.push(() => show_contest(choose.rows));
