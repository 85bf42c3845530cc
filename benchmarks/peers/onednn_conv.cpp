// SPDX-License-Identifier: MIT
//
// Seconds of a convolution's three passes in oneDNN, in the layouts that oneDNN likes best.
//
//   onednn_conv N,C,H,W,O,KH,KW,stride,pad,dilation,groups SECONDS
//
// Images, weights and gradients are in these layouts before the clock starts, and results stay in
// them: oneDNN is not charged for any reordering. Threads come from OMP_NUM_THREADS.
#include <cstdio>
#include <cstdlib>
#include <dnnl.hpp>
#include <sstream>
#include <unordered_map>

#include "peers.hpp"

namespace {

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;

const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

memory::desc any(const memory::dims& dims) {
  return {dims, memory::data_type::f32, memory::format_tag::any};
}

// Memory in this layout with small numbers in it: zeros or denormals might be faster or slower.
memory filled(const memory::desc& layout) {
  memory result(layout, engine);
  auto* values = static_cast<float*>(result.get_data_handle());
  for (std::size_t i = 0; i < layout.get_size() / sizeof(float); ++i)
    values[i] = static_cast<float>((i * 7919) % 65521) / 65521.0f - 0.5f;
  return result;
}

double time_of(const dnnl::primitive& primitive, const Arguments& arguments, double seconds) {
  const auto run = [&] {
    primitive.execute(stream, arguments);
    stream.wait();
  };
  run();
  return mean_time(run, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<memory::dim> s;
  std::istringstream text(argv[1]);
  for (std::string part; std::getline(text, part, ',');) s.push_back(std::stol(part));
  if (s.size() != 11) return 2;
  const auto N = s[0], C = s[1], H = s[2], W = s[3], O = s[4], KH = s[5], KW = s[6], stride = s[7],
             pad = s[8], dilation = s[9], groups = s[10];
  const double seconds = std::atof(argv[2]);
  const auto out = [&](memory::dim size, memory::dim kernel) {
    return (size + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  };

  const auto x = any({N, C, H, W}), y = any({N, O, out(H, KH), out(W, KW)}), b = any({O});
  const auto w = groups == 1 ? any({O, C, KH, KW}) : any({groups, O / groups, C / groups, KH, KW});
  const memory::dims strides{stride, stride}, gaps{dilation - 1, dilation - 1}, padding{pad, pad};
  const auto direct = dnnl::algorithm::convolution_direct;

  using Forward = dnnl::convolution_forward;
  using Weights = dnnl::convolution_backward_weights;
  using Data = dnnl::convolution_backward_data;
  const Forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, x, w, b, y, strides, gaps, padding, padding},
      engine);
  const Weights::primitive_desc weights({direct, x, w, b, y, strides, gaps, padding, padding},
                                        engine, forward);
  const Data::primitive_desc data({direct, x, w, y, strides, gaps, padding, padding}, engine,
                                  forward);

  const double fwd = time_of(Forward(forward),
                             {{DNNL_ARG_SRC, filled(forward.src_desc())},
                              {DNNL_ARG_WEIGHTS, filled(forward.weights_desc())},
                              {DNNL_ARG_BIAS, filled(forward.bias_desc())},
                              {DNNL_ARG_DST, filled(forward.dst_desc())}},
                             seconds);
  const double dw = time_of(Weights(weights),
                            {{DNNL_ARG_SRC, filled(weights.src_desc())},
                             {DNNL_ARG_DIFF_DST, filled(weights.diff_dst_desc())},
                             {DNNL_ARG_DIFF_WEIGHTS, filled(weights.diff_weights_desc())},
                             {DNNL_ARG_DIFF_BIAS, filled(weights.diff_bias_desc())}},
                            seconds);
  const double dx = time_of(Data(data),
                            {{DNNL_ARG_DIFF_DST, filled(data.diff_dst_desc())},
                             {DNNL_ARG_WEIGHTS, filled(data.weights_desc())},
                             {DNNL_ARG_DIFF_SRC, filled(data.diff_src_desc())}},
                            seconds);

  const double gflop =
      2e-9 * static_cast<double>(N * O * out(H, KH) * out(W, KW) * (C / groups) * KH * KW);
  std::printf(
      "{\"fwd\": %g, \"dw\": %g, \"dx\": %g, \"gflop\": %g, \"implementations\": [\"%s\", \"%s\", "
      "\"%s\"]}\n",
      gflop / fwd, gflop / dw, gflop / dx, gflop, forward.impl_info_str(), weights.impl_info_str(),
      data.impl_info_str());
}
