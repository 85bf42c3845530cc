// SPDX-License-Identifier: MIT
//
// Break it: sliders that spoil the drawing, and the smallest change that turns the answer.
'use strict';

const sliders = [...document.querySelectorAll('#break-form [data-kind]')];
const changes = {shift_x: ['shift sideways', 'pixels'], shift_y: ['shift up or down', 'pixels'], rotate: ['turn', 'degrees'], noise: ['noise', ''], fog: ['fog', ''], hide: ['hide the middle', 'pixels'], fgsm: ['FGSM', 'of 1 in every pixel'], pgd: ['PGD', 'of 1 in every pixel']};

const spoil = latest(async () => {
  for (const s of sliders) s.parentElement.querySelector('.value').textContent = s.value;
  if (now.state === 'loading' || !visible.has('section-break')) return;
  if (drawn.empty) {
    $('broken-words').textContent = 'Draw something first.';
    return;
  }
  const command = {do: 'spoil', attack: $('attack').value};
  for (const s of sliders) command[s.dataset.kind] = Number(s.value);
  show_broken(await ask(command));
});

function show_broken(answer) {
  const text = answer.text, names = now.anatomy.classes, p = [...placed(answer, text.probabilities).data];
  paint($('broken'), placed(answer, text.image).data, 28, 28, {});
  const difference = placed(answer, text.difference).data;
  paint($('difference'), difference, 28, 28, {scale: 'signed', high: difference.reduce((m, v) => Math.max(m, Math.abs(v)), 0.05)});
  bars($('broken-bars'), names, p);
  $('broken-words').textContent = text.answer === text.answer_before ? `Still a ${names[text.answer]}, ${percent(p[text.answer])}.`
    : `It was a ${names[text.answer_before]}, and now it says ${names[text.answer]}, ${percent(p[text.answer])}.`;
  $('broken-words').dataset.answer = names[text.answer];
}

$('break-form').addEventListener('input', event => {
  if (event.target === $('attack') && $('attack').value !== 'none' && Number(sliders.at(-1).value) === 0) sliders.at(-1).value = 0.1;
  spoil();
});
$('break-reset').addEventListener('click', () => {
  for (const s of sliders) s.value = 0;
  $('attack').value = 'none';
  $('smallest-words').textContent = '';
  spoil();
});
$('section-break').addEventListener('shown', () => spoil());
new_weights.push(() => spoil());

for (const [kind, [title, unit]] of Object.entries(changes))
  $('smallest').append(make('button', {type: 'button', 'data-smallest': kind, onclick: () => attempt(async () => {
    if (drawn.empty) throw new Error('Smallest change: expected a drawing, found an empty one.');
    const answer = await ask({do: 'smallest', kind});
    const names = now.anatomy.classes, amount = answer.text.amount;
    show_broken(answer);
    const rounded = amount === null ? null : Math.round(1000 * amount) / 1000;
    $('smallest-words').textContent = amount === null ? `No ${title} within reach turns the answer ${names[answer.text.answer_before]}.`
      : `${title[0].toUpperCase()}${title.slice(1)} by ${`${rounded} ${unit}`.trim().replace('-', '−')}: the ${names[answer.text.answer_before]} becomes a ${names[answer.text.answer]}.`;
    // The sliders show the change, so that one can go on from there.
    for (const s of sliders) s.value = amount !== null && (s.dataset.kind === kind || ((kind === 'fgsm' || kind === 'pgd') && s.dataset.kind === 'epsilon')) ? Math.ceil(amount / s.step - 1e-9) * s.step : 0;
    if (kind === 'shift_x' || kind === 'shift_y' || kind === 'rotate') for (const s of sliders) if (s.dataset.kind === kind && amount !== null) s.value = amount;
    $('attack').value = kind === 'fgsm' || kind === 'pgd' ? kind : 'none';
    for (const s of sliders) s.parentElement.querySelector('.value').textContent = s.value;
  })}, title));
