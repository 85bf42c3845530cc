// SPDX-License-Identifier: MIT
//
// Runs the library beside the page. A message {id, command, bytes} gets {id, text, numbers, bytes}; "run"
// begins to train and "pause" ends it. It trains in slices and looks for messages between them, so that
// no question waits long.
'use strict';

const SLICE = 30;    // milliseconds of training between two looks at the messages
const REPORT = 100;  // milliseconds between two reports to the page

let library = null;
let answer = null;
let running = null;  // what to call in the loop, or null
let reported = 0;
const tick = new MessageChannel();  // a timer would be slowed down by the browser
tick.port1.onmessage = () => slice();

function call(command, bytes) {
  if (bytes) library.HEAPU8.set(bytes, library._explorer_room(bytes.length));
  const failed = answer(JSON.stringify(command));
  const text = JSON.parse(library.UTF8ToString(library._explorer_text()));
  if (failed) throw new Error(text.error);
  const first = library._explorer_numbers() >> 2;
  const numbers = library.HEAPF32.slice(first, first + library._explorer_count());
  const from = library._explorer_bytes();
  const size = library._explorer_size();
  return {text, numbers, bytes: size ? library.HEAPU8.slice(from, from + size) : null};
}

function slice() {
  if (!running) return;
  try {
    const result = call({...running.command, milliseconds: SLICE});
    const over = running.over(result.text);
    const now = performance.now();
    if (over || now - reported > REPORT) {
      reported = now;
      running.seen(result.text);
      postMessage({event: running.event, over, ...result}, [result.numbers.buffer]);
    }
    if (over) running = null; else tick.port2.postMessage(0);
  } catch (error) {
    const event = running.event;
    running = null;
    postMessage({event, over: true, error: error.message});
  }
}

function run(command) {
  const idle = !running;
  running = command.contest
    ? {event: 'contest', command: {do: 'contest_train', until: command.until}, over: text => text.done, seen: () => {}}
    : {event: 'status', command: {do: 'train', losses_seen: command.losses_seen, ...(command.until ? {until: command.until} : {})},
       over: text => command.until !== undefined && command.until !== null && text.step >= command.until && !text.testing,
       seen(text) { this.command.losses_seen = text.losses_before + text.losses.shape[0]; }};
  if (idle) tick.port2.postMessage(0);
}

async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

onmessage = async ({data: {id, command, bytes}}) => {
  try {
    if (command.do === 'start') {
      library = await make_explorer({wasmBinary: await unpack(command.wasm)});
      answer = library.cwrap('explorer_answer', 'number', ['string']);
      postMessage({id, ...call({do: 'anatomy'})});
    } else if (command.do === 'unpack') {
      postMessage({id, text: {}, numbers: null, bytes: await unpack(command.base64)});
    } else if (command.do === 'run') {
      run(command);
      postMessage({id, text: {}});
    } else if (command.do === 'pause') {
      running = null;
      postMessage({id, ...call({do: 'status', losses_seen: command.losses_seen})});
    } else {
      const result = call(command, bytes);
      postMessage({id, ...result}, result.numbers.length ? [result.numbers.buffer] : []);
    }
  } catch (error) {
    postMessage({id, error: String(error.message || error)});
  }
};
