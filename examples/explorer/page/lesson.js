// SPDX-License-Identifier: MIT
//
// The lesson: eight steps through the page, each with a question and what to watch.
'use strict';

const lesson = [
  ['It knows nothing', 'Draw a 3. The network answers, and is as good as a die: all its weights are random.', 'What does it say to your 3, and how sure is it? Even if it is right, is it more than luck?', 'The bars below the drawing. Draw other digits: does the answer change?', 'section-train'],
  ['It learns', 'Press Train and look at the curves. Each step shows it 64 digits. Every 50 steps it is tested.', 'How many of the test digits does it read at its first test? And after 300 steps?', 'The loss falls fast, then slowly. Your 3 is answered anew all the time.', 'section-train'],
  ['Filters', 'Start over, train again, and look at the filters of the first layer. Click one to see what it responds to.', 'Which filters change? Which answer to an edge, and in which direction?', 'Orange on one side and blue on the other: an edge. Most change little, for many random filters are of use as they are.', 'section-train'],
  ['Maps', 'Every layer turns the drawing into maps: bright where a filter found its pattern.', 'Find a map that answers to horizontal strokes alone. Draw a 7 and a 1: where do their maps differ?', 'Maps become smaller and say more: from edges to parts of digits.', 'section-maps'],
  ['One number, taken apart', 'Click a bright unit of a map above. Its value is a sum of products, and all of them are there.', 'Which of the products make it bright? What part of the drawing can it see?', 'The blue frame is the receptive field. Choose a unit in a later layer: it grows.', 'section-look'],
  ['Why this answer?', 'Draw a 7 with a shorter and shorter bar, until it is read as a 1. Ask all four methods what speaks for 1, and then for 7.', 'Why is it read as a 1? Do the methods agree?', 'Deletion and insertion: a beautiful map can be wrong. The nearest training images, under the maps, tell more.', 'h-rest'],
  ['Break it', 'Turn the drawing, hide its middle, let PGD attack it.', 'What is the smallest change that turns the answer? Would it fool you?', 'What changed under FGSM or PGD: it looks like noise, and is none.', 'section-break'],
  ['Teach it something new', 'Draw ten of each of three symbols of your own, and train on them.', 'How many drawings does it need? What does it confuse?', 'Then compare networks: is a deeper one better on so few drawings?', 'section-own'],
];
let lesson_at = 0;

function show_lesson() {
  const [title, text, question, watch_for, target] = lesson[lesson_at];
  $('lesson').replaceChildren(
    make('p', {class: 'note'}, `Step ${lesson_at + 1} of ${lesson.length}`), make('h2', {id: 'lesson-title', tabindex: -1}, title), make('p', {}, text),
    make('p', {class: 'question'}, question), make('p', {}, make('b', {}, 'Watch: '), watch_for),
    make('p', {class: 'row'},
      make('button', {type: 'button', id: 'lesson-back', disabled: lesson_at === 0, onclick: () => turn(-1)}, 'Back'),
      make('button', {type: 'button', id: 'lesson-next', class: 'main', disabled: lesson_at === lesson.length - 1, onclick: () => turn(1)}, 'Next'),
      make('button', {type: 'button', id: 'lesson-show', onclick: () => $(target).scrollIntoView()}, 'Show me'),
      make('button', {type: 'button', id: 'lesson-close', onclick: () => { $('lesson').hidden = true; $('lesson-open').focus(); }}, 'Close')));
  $('lesson').hidden = false;
}
function turn(by) {
  lesson_at = Math.min(lesson.length - 1, Math.max(0, lesson_at + by));
  // The card goes to the section that it is about.
  $(lesson[lesson_at][4]).before($('lesson'));
  show_lesson();
  $('lesson').scrollIntoView({block: 'start'});
  $('lesson-title').focus({preventScroll: true});
}
$('lesson-open').addEventListener('click', () => turn(0));
$('projector').addEventListener('click', () => {
  const on = document.documentElement.classList.toggle('projector');
  $('projector').setAttribute('aria-pressed', on ? 'true' : 'false');
  draw_learning();
  if (gallery.answer) draw_gallery();
});
