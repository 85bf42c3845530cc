// SPDX-License-Identifier: MIT
//
// Own classes, files that are dropped or chosen, and model.safetensors.
'use strict';

const own = {classes: []};
function new_class(name) {
  if (own.classes.length >= 10) return trouble('Own classes: expected at most 10, found one more.');
  const k = own.classes.length;
  const input = make('input', {type: 'text', value: name, maxlength: 24, 'aria-label': `Name of class ${k + 1}`});
  const thumbs = make('div', {class: 'thumbs'}), count = make('span', {class: 'note'}, 'no drawing yet');
  const card = make('div', {class: 'card'}, input, thumbs, make('p', {class: 'row'},
    make('button', {type: 'button', 'data-own-add': k, onclick: () => attempt(() => add_drawing(k))}, 'Add drawing'),
    make('button', {type: 'button', 'aria-label': `Remove the drawings of class ${k + 1}`, onclick: () => attempt(async () => {
      await ask({do: 'own_remove', class: k});
      thumbs.replaceChildren();
      own.classes[k].count = 0;
      count.textContent = 'no drawing yet';
    })}, 'Remove')), count);
  own.classes.push({input, thumbs, count_words: count, count: 0});
  $('own').append(card);
}
async function add_drawing(k) {
  const {height, width, bytes} = drawing_bytes();
  const answer = await ask({do: 'own_add', class: k, height, width}, bytes);
  const one = own.classes[k], canvas = make('canvas', {class: 'pixels', role: 'img', 'aria-label': `drawing ${answer.text.count} of ${one.input.value}`});
  paint(canvas, placed(answer, answer.text.image).data, 28, 28, {high: 255});
  one.thumbs.append(canvas);
  one.count = answer.text.count;
  one.count_words.textContent = `${one.count} ${one.count === 1 ? 'drawing' : 'drawings'}`;
  clear_drawing();
}
for (const name of ['circle', 'cross', 'wave']) new_class(name);
$('own-new').addEventListener('click', () => new_class(`class ${own.classes.length + 1}`));

$('own-train').addEventListener('click', () => attempt(async () => {
  const used = own.classes.filter(c => c.count > 0);
  const first_empty = own.classes.findIndex(c => c.count === 0);
  if (first_empty >= 0 && first_empty < used.length) throw new Error(`Own classes: expected drawings of "${own.classes[first_empty].input.value}", found none.`);
  await ask({do: 'pause', losses_seen: 0});
  const names = used.map(c => c.input.value.trim() || 'unnamed');
  take_anatomy(await ask({do: 'own_train', names, ...recipe(), layers: now.anatomy.list}));
  await ask({do: 'run', losses_seen: 0, until: 400});
  set_running(true);
}));
$('own-digits').addEventListener('click', () => start_over({data: $('data').value}));

$('save').addEventListener('click', () => attempt(async () => {
  const {bytes, text} = await ask({do: 'save'});
  const link = make('a', {href: URL.createObjectURL(new Blob([bytes], {type: 'application/octet-stream'})), download: text.name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}));

// Files: a model, MNIST, or a picture. What a file is, its first bytes say.

const read = async file => {
  if (file.size > 2 ** 28) throw new Error(`${file.name}: expected a file of at most 256 MiB, found ${Math.round(file.size / 2 ** 20)} MiB.`);
  let bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
    } catch { throw new Error(`${file.name}: expected a whole gzip file, found a damaged one.`); }
  }
  return bytes;
};
const is_idx = (bytes, axes) => bytes.length > 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8 && bytes[3] === axes;

async function take_model(bytes, name) {
  await ask({do: 'pause', losses_seen: 0});
  const answer = await ask({do: 'load', name}, bytes);
  take_anatomy(answer);
}

async function take_picture(file) {
  let bitmap;
  try { bitmap = await createImageBitmap(file); } catch { throw new Error(`${file.name}: expected a picture, an IDX file or a model.safetensors, found none of them.`); }
  if (bitmap.width * bitmap.height > 1e8) throw new Error(`${file.name}: expected a picture of at most 100 million pixels, found ${bitmap.width} x ${bitmap.height}.`);
  const scale = Math.min(1, 512 / Math.max(bitmap.width, bitmap.height));
  const canvas = Object.assign(make('canvas'), {width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale))});
  const c = canvas.getContext('2d', {willReadFrequently: true});
  c.fillStyle = '#fff';
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const {data} = c.getImageData(0, 0, canvas.width, canvas.height), grey = [];
  for (let i = 0; i < data.length; i += 4) grey.push(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]));
  const answer = await ask({do: 'draw', height: canvas.height, width: canvas.width, losses_seen: now.losses.length}, Uint8Array.from(grey));
  drawn.strokes = [];
  drawn.empty = false;
  drawn.picture = {height: 28, width: 28, as_it_is: true, data: [...placed(answer, answer.text.pixels).data]};
  show_surface();
  take_pixels(answer);
}

async function take_files(files) {
  const read_files = [];
  for (const file of files) read_files.push({file, bytes: /^image\//.test(file.type) ? null : await read(file)});
  const images = read_files.filter(f => f.bytes && is_idx(f.bytes, 3)), labels = read_files.filter(f => f.bytes && is_idx(f.bytes, 1));
  if (images.length || labels.length) {
    // Of the four files of MNIST those to train on are the larger ones.
    const largest = list => list.sort((a, b) => b.bytes.length - a.bytes.length)[0];
    if (!images.length || !labels.length) throw new Error('MNIST: expected a file of images and one of labels together, found only one of them.');
    const [i, l] = [largest(images).bytes, largest(labels).bytes], both = new Uint8Array(i.length + l.length);
    both.set(i);
    both.set(l, i.length);
    await ask({do: 'pause', losses_seen: 0});
    take_anatomy(await ask({do: 'open', data: 'idx', images_bytes: i.length, ...recipe()}, both));
    return;
  }
  for (const {file, bytes} of read_files) {
    if (/\.safetensors$/.test(file.name)) await take_model(bytes, file.name);
    else await take_picture(file);
  }
}
for (const id of ['files', 'load'])
  $(id).addEventListener('change', event => attempt(async () => {
    const files = [...event.target.files];
    event.target.value = '';
    if (id === 'load') for (const file of files) await take_model(await read(file), file.name);
    else await take_files(files);
  }));
addEventListener('dragover', event => event.preventDefault());
addEventListener('drop', event => {
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  if (files.length) attempt(() => take_files(files));
});

// A few thousand MNIST digits, if the page was made with them: two IDX files, one after the other.
async function embedded_mnist(more) {
  const {bytes} = await ask({do: 'unpack', base64: $('mnist').textContent});
  const view = new DataView(bytes.buffer);
  return {more: {...more, data: 'idx', images_bytes: 16 + view.getUint32(4) * 784}, bytes};
}
if ($('mnist').textContent.length > 100) {
  $('data').append(make('option', {value: 'mnist'}, 'MNIST'));
  $('licence').hidden = false;
}
