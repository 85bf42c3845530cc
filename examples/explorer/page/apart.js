// SPDX-License-Identifier: MIT
//
// One convolution with any kernel: window times kernel, number by number.
'use strict';

const kernels = {
  'vertical edge': [-1, 0, 1, -2, 0, 2, -1, 0, 1], 'horizontal edge': [-1, -2, -1, 0, 0, 0, 1, 2, 1], blur: Array(9).fill(0.111), sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
  'spot': [-1, -1, -1, -1, 8, -1, -1, -1, -1], 'nothing but the middle': [0, 0, 0, 0, 1, 0, 0, 0, 0],
};
const convolution = {size: 3, kernel: [...kernels['vertical edge']], row: 10, col: 10};
$('conv-preset').replaceChildren(...Object.keys(kernels).map(name => make('option', {}, name)), make('option', {value: 'net'}, 'a filter of the network'));

$('conv-preset').addEventListener('change', () => {
  const name = $('conv-preset').value;
  if (name === 'net') {
    const {data, shape} = placed(now.last, now.last.text.filters.weight);
    if (shape.length !== 4 || shape[2] > 5) return trouble('One convolution: expected a network that begins with a convolution of at most 5 x 5.');
    const area = shape[2] * shape[3], f = chosen.layer === 'conv1' ? chosen.map : 0;
    convolution.size = shape[2];
    convolution.kernel = [...data.subarray(f * area, (f + 1) * area)];
  } else {
    convolution.size = 3;
    convolution.kernel = [...kernels[name]];
  }
  $('conv-size').value = convolution.size;
  convolve();
});
$('conv-size').addEventListener('input', () => {
  const K = Number($('conv-size').value), old = convolution.size, kernel = Array(K * K).fill(0), shift = (K - old) / 2;
  for (let i = 0; i < old; ++i)
    for (let j = 0; j < old; ++j) {
      const a = i + shift, b = j + shift;
      if (a >= 0 && b >= 0 && a < K && b < K) kernel[a * K + b] = convolution.kernel[i * old + j];
    }
  Object.assign(convolution, {size: K, kernel});
});
$('conv-form').addEventListener('input', () => {
  for (const input of $('conv-form').querySelectorAll('input[type=range]')) input.parentElement.querySelector('.value').textContent = input.value;
  convolve();
});

const convolve = latest(async () => {
  if (!visible.has('section-apart') || now.state === 'loading') return;
  const {size, kernel, row, col} = convolution;
  const [stride, padding, dilation] = ['stride', 'padding', 'dilation'].map(name => Number($(`conv-${name}`).value));
  const answer = await ask({do: 'convolve', size, kernel, stride, padding, dilation, row, col});
  const text = answer.text, output = placed(answer, text.output), [H, W] = output.shape;
  convolution.shape = output.shape;
  convolution.row = text.row;
  convolution.col = text.col;
  const high = output.data.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9);
  const reach = dilation * (size - 1) + 1;
  paint_large($('conv-in'), placed(answer, text.input).data, 28, 28, {}, [{box: [text.row * stride - padding, text.col * stride - padding, reach, reach], colour: 'plus'}]);
  paint_large($('conv-out'), output.data, H, W, {scale: 'signed', high}, [{box: [text.row, text.col, 1, 1], colour: 'mark'}]);
  $('conv-words').textContent = `the output, ${H} × ${W}`;
  const labelled = (label, table) => make('figure', {}, table, make('figcaption', {}, label));
  $('conv-sum').replaceChildren(labelled('window', number_table([...placed(answer, text.window).data], size, size, {label: 'window', high: 1})), make('b', {}, '×'),
    labelled('kernel: change it', number_table(kernel, size, size, {label: 'kernel', edit: (i, v) => { convolution.kernel[i] = Math.max(-100, Math.min(100, v || 0)); convolve(); }})), make('b', {}, '='),
    labelled('products', number_table([...placed(answer, text.products).data], size, size, {label: 'products'})), make('b', {}, '→'),
    make('span', {class: 'result'}, 'sum ', make('b', {}, number(text.sum)), ` at row ${text.row}, column ${text.col}`));
});
$('section-apart').addEventListener('shown', () => convolve());
new_weights.push(() => convolve());

function point(event) {
  if (!convolution.shape) return;
  const box = $('conv-out').getBoundingClientRect(), [H, W] = convolution.shape;
  convolution.row = Math.min(H - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * H)));
  convolution.col = Math.min(W - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * W)));
  convolve();
}
$('conv-out').addEventListener('pointermove', point);
$('conv-out').addEventListener('pointerdown', point);
$('conv-out').addEventListener('keydown', event => {
  const move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
  if (!move) return;
  event.preventDefault();
  convolution.row = Math.max(0, convolution.row + move[0]);
  convolution.col = Math.max(0, convolution.col + move[1]);
  convolve();
});
