// SPDX-License-Identifier: MIT
//
// The network of chapter 9 of the book: every value above, every gradient below it, and on the arrows the
// weights with theirs.
'use strict';

const tiny_start = {x: [0, 2, 0, 0, 1, 3, 1, 2, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1], weight: [1, 0, -1, 2], bias: [-1], fc: [1, 2, -1, -1, 1, 2], fc_bias: [0, 0]};
const tiny = {...structuredClone(tiny_start), steps: 0};

const show_tiny = latest(async step => {
  if (now.state === 'loading') return;
  const {x, weight, bias, fc, fc_bias} = tiny;
  const command = {do: 'tiny', x, weight, bias, fc, fc_bias, label: Number($('tiny-label').value), learning_rate: Number($('tiny-rate').value)};
  if (step) {
    const {text} = await ask({...command, step: true});
    for (const name of ['weight', 'bias', 'fc', 'fc_bias']) tiny[name] = text[name];
    ++tiny.steps;
    return show_values((await ask({...command, weight: tiny.weight, bias: tiny.bias, fc: tiny.fc, fc_bias: tiny.fc_bias})).text);
  }
  show_values((await ask(command)).text);
});

const svg = (tag, attributes, ...children) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
};
const short = v => { const s = Number(v).toFixed(Math.abs(v) < 1 ? 2 : 1).replace(/\.?0+$/, ''); return (s === '-0' ? '0' : s).replace('-', '−'); };

function show_values(v) {
  const root = svg('svg', {viewBox: '0 0 900 330', role: 'img', 'aria-label': `The tiny network after ${tiny.steps} steps: logits ${v.z.map(short).join(' and ')}, loss ${v.loss.toFixed(3)}`});
  const cell = 36;
  const text = (x, y, words, attributes = {}) => root.append(svg('text', {x, y, ...attributes}, words));
  // A value, and below it in its colour the gradient.
  const value = (x, y, a, g, most, click) => {
    const shade = Math.min(1, Math.abs(a) / most);
    const box = svg('rect', {x, y, width: cell - 3, height: cell - 3, rx: 5, fill: css(colours.ink, 0.03 + 0.07 * shade), ...(click === undefined ? {} : {class: 'pixel'})});
    if (click !== undefined) box.addEventListener('click', click);
    root.append(box);
    text(x + cell / 2 - 1.5, y + (g === undefined ? 16.5 : 11), short(a), click === undefined ? {} : {'pointer-events': 'none'});
    if (g !== undefined) text(x + cell / 2 - 1.5, y + 25, short(g), {class: 'g', 'pointer-events': 'none', style: `fill:var(--${g < 0 ? 'minus' : g > 0 ? 'plus' : 'quiet'})`});
  };
  const arrow = (x1, y1, x2, y2, width = 1.5, colour = css(colours.quiet)) => {
    const angle = Math.atan2(y2 - y1, x2 - x1), tip = (turn, length) => `${x2 - length * Math.cos(angle + turn)},${y2 - length * Math.sin(angle + turn)}`;
    root.append(svg('line', {x1, y1, x2, y2, stroke: colour, 'stroke-width': width}), svg('polygon', {points: `${x2},${y2} ${tip(0.4, 9)} ${tip(-0.4, 9)}`, fill: colour}));
  };
  const back = g => css(g < 0 ? colours.minus : g > 0 ? colours.plus : colours.rule);
  const grid = (left, top, rows, columns, a, g, most, clicks) => {
    for (let i = 0; i < rows * columns; ++i) value(left + i % columns * cell, top + Math.floor(i / columns) * cell, a[i], g[i], most, clicks ? () => { tiny.x[i] = (tiny.x[i] + 1) % 4; show_tiny(); } : undefined);
  };
  // Left: image and kernel; middle: convolution, ReLU; right: pooling, logits, loss.
  text(130, 14, 'image', {class: 'cap'});
  grid(4, 26, 3, 7, tiny.x, v.dx, 3, true);
  arrow(262, 78, 326, 78);
  text(294, 14, 'kernel', {class: 'cap'});
  grid(259, 96, 2, 2, tiny.weight, v.dweight, 3);
  text(294, 184, `bias ${short(tiny.bias[0])}`);
  text(294, 200, short(v.dbias[0]), {class: 'g', style: `fill:var(--${v.dbias[0] < 0 ? 'minus' : 'plus'})`});
  text(440, 14, 'convolution', {class: 'cap'});
  grid(336, 26, 2, 6, v.conv, v.dconv, 3);
  arrow(440, 102, 440, 132);
  text(440, 146, 'ReLU', {class: 'cap'});
  grid(336, 156, 2, 6, v.relu, v.drelu, 3);
  arrow(440, 232, 440, 258);
  text(440, 270, 'pooling', {class: 'cap'});
  const pools = [390, 426, 462];
  pools.forEach((x, k) => value(x - 14, 284, v.pool[k], v.dpool[k], 3));
  text(735, 14, 'linear layer: six weights with their gradients', {class: 'cap'});
  // Six arrows from the pooled values to the two logits.
  const from = [60, 130, 200], to = [85, 185];
  text(602, 36, 'pooled', {class: 'cap'});
  from.forEach((y, k) => value(586, y - 17, v.pool[k], v.dpool[k], 3));
  to.forEach((y, o) => from.forEach((yk, k) => {
    const w = tiny.fc[3 * o + k], g = v.dfc[3 * o + k];
    arrow(622, yk, 748, y, 1 + Math.min(4, 2 * Math.abs(g)), back(g));
    const t = o ? 0.52 : 0.2, x = 622 + t * 126, at = yk + t * (y - yk);
    root.append(svg('rect', {x: x - 17, y: at - 15, width: 34, height: 30, rx: 5, fill: 'var(--page)'}));
    text(x, at - 6, short(w));
    text(x, at + 7, short(g), {class: 'g', style: `fill:var(--${g < 0 ? 'minus' : g > 0 ? 'plus' : 'quiet'})`});
  }));
  text(768, 36, 'logits', {class: 'cap'});
  to.forEach((y, o) => value(752, y - 17, v.z[o], v.dz[o], 3));
  text(846, 36, 'confidence', {class: 'cap'});
  to.forEach((y, o) => { arrow(790, y, 814, y); text(850, y, `${o}: ${(100 * v.p[o]).toFixed(0)} %`); });
  text(768, 262, `loss ${v.loss.toFixed(3)}`, {style: 'font-size:20px;font-weight:650'});
  text(768, 288, `after ${tiny.steps} ${tiny.steps === 1 ? 'step' : 'steps'}`, {class: 'cap'});
  text(150, 160, 'above: the value', {class: 'cap'});
  text(150, 178, 'below: its gradient', {class: 'cap'});
  $('tiny').replaceChildren(root);
  $('tiny').dataset.loss = v.loss;
}
$('section-tiny').addEventListener('shown', () => show_tiny());
repaint.push(() => { if (visible.has('section-tiny')) show_tiny(); });
$('tiny-form').addEventListener('input', () => {
  $('tiny-rate').parentElement.querySelector('.value').textContent = $('tiny-rate').value;
  show_tiny();
});
$('tiny-step').addEventListener('click', () => show_tiny(true));
$('tiny-reset').addEventListener('click', () => { Object.assign(tiny, structuredClone(tiny_start), {steps: 0}); show_tiny(); });
let tiny_timer = null;
$('tiny-run').addEventListener('click', () => {
  if (tiny_timer) { clearInterval(tiny_timer); tiny_timer = null; } else { tiny_timer = setInterval(() => show_tiny(true), 250); }
  $('tiny-run').setAttribute('aria-pressed', tiny_timer ? 'true' : 'false');
  $('tiny-run').textContent = tiny_timer ? 'Stop' : 'Run';
});
