// SPDX-License-Identifier: MIT
//
// Images/s of the exported course network in ONNX Runtime, through its Node binding.
//
//   node onnxruntime_infer.js DIR BATCH THREADS SECONDS
//
// DIR holds the files of torch_export.py and node_modules. Prints JSON: images/s, microseconds of an
// empty call, and the logits of the first BATCH images.
const fs = require('fs');
const path = require('path');

const [directory, ...numbers] = process.argv.slice(2);
const [batch, threads, seconds] = numbers.map(Number);
const ort = require(path.resolve(directory, 'node_modules', 'onnxruntime-node'));

// Runs `work` again and again for about this long; returns the median seconds of a call.
async function medianTime(work, duration) {
  const times = [];
  const begin = process.hrtime.bigint();
  for (let last = begin; Number(last - begin) < duration * 1e9;) {
    await work();
    const now = process.hrtime.bigint();
    times.push(Number(now - last) / 1e9);
    last = now;
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1];
}

async function main() {
  const options = {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'};
  const open = (name) => ort.InferenceSession.create(path.join(directory, name), options);
  const bytes = fs.readFileSync(path.join(directory, 'images.bin'));
  const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, batch * 784);
  const x = new ort.Tensor('float32', pixels, [batch, 1, 28, 28]);

  const net = await open('course.onnx');
  const logits = (await net.run({x})).y.data;
  await medianTime(() => net.run({x}), seconds / 5);  // the just-in-time compiler of Node warms up
  const time = await medianTime(() => net.run({x}), seconds);

  const empty = await open('empty.onnx');
  const nothing = {x: new ort.Tensor('float32', new Float32Array(10), [1, 10])};
  await medianTime(() => empty.run(nothing), seconds / 5);
  const overhead = await medianTime(() => empty.run(nothing), seconds / 5);

  console.log(JSON.stringify({rate: batch / time, overhead_us: overhead * 1e6, logits: Array.from(logits)}));
}

main();
