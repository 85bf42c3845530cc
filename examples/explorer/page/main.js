// SPDX-License-Identifier: MIT
//
// The page begins: the worker gets the library, and the buttons become alive.
'use strict';

show_recipe();
show_buttons();
show_surface();
attempt(async () => {
  const answer = await ask({do: 'start', wasm: $('wasm').textContent.trim()});
  $('wasm').remove();
  now.state = 'paused';
  take_anatomy(answer);
  if (drawn.strokes.length) send_drawing();  // what was drawn while the library was loaded
});
