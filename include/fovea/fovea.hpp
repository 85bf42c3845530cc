// SPDX-License-Identifier: MIT
//
// fovea: convolutional networks to read, to train and to look into.
//
// This header is the library in reading order: in each group, first what to open first. It needs
// C++20 and nothing else; what needs more is opt-in: fovea/core/eigen.hpp (Eigen), fovea/io/ (zlib,
// nlohmann-json), fovea/images/ (libpng, libjpeg-turbo, zlib) and fovea/viz/ (stb_image_write).
#pragma once

// clang-format off

// core: memory, arithmetic, threads, randomness. No neural network yet.
#include "fovea/core/abi.hpp"  // first, because it says what a compiler lacks
#include "fovea/core/check.hpp"
#include "fovea/core/shape.hpp"
#include "fovea/core/view.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/core/ops.hpp"
#include "fovea/core/random.hpp"
#include "fovea/core/parallel.hpp"
#include "fovea/core/team.hpp"
//
#include "fovea/core/simd.hpp"
#include "fovea/core/math.hpp"
#include "fovea/core/bits.hpp"
#include "fovea/core/normals.hpp"
//
#include "fovea/core/any_view.hpp"
#include "fovea/core/descriptor.hpp"
#include "fovea/core/file.hpp"
#include "fovea/core/build_info.hpp"

// kernels: raw pointers and extents in, numbers out. Products, then convolutions, then Winograd and
// what fused groups use, then sums over a batch.
#include "fovea/kernels/window.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/gemm.hpp"
#include "fovea/kernels/work.hpp"
//
#include "fovea/kernels/convolution.hpp"
#include "fovea/kernels/convolution_shape.hpp"
#include "fovea/kernels/padded.hpp"
#include "fovea/kernels/padded_image.hpp"
#include "fovea/kernels/image_chunks.hpp"
#include "fovea/kernels/sweep.hpp"
#include "fovea/kernels/forward_sweep.hpp"
#include "fovea/kernels/input_gradient.hpp"
#include "fovea/kernels/weight_gradient.hpp"
#include "fovea/kernels/depthwise.hpp"
//
#include "fovea/kernels/transpose.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/winograd.hpp"
#include "fovea/kernels/winograd_matrices.hpp"
#include "fovea/kernels/winograd_strips.hpp"
#include "fovea/kernels/winograd_gradient.hpp"
//
#include "fovea/kernels/max_pool_tile.hpp"
#include "fovea/kernels/direct.hpp"
#include "fovea/kernels/dense_gradient.hpp"
#include "fovea/kernels/sparse.hpp"
#include "fovea/kernels/sparse_gemm.hpp"
//
#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/batch_part.hpp"
#include "fovea/kernels/batch_gemm.hpp"
#include "fovea/kernels/channel_sums.hpp"
#include "fovea/kernels/batch_norm_steps.hpp"
#include "fovea/kernels/pixel_sums.hpp"
#include "fovea/kernels/vector_functions.hpp"
#include "fovea/kernels/activation_functions.hpp"

// nn: one idea per page. The contract, the layers, the loss, then layers made of layers.
#include "fovea/nn/layer.hpp"
#include "fovea/nn/context.hpp"
#include "fovea/nn/layer_check.hpp"  // early, so that its messages come first
#include "fovea/nn/linear.hpp"
#include "fovea/nn/relu.hpp"
#include "fovea/nn/conv2d.hpp"
#include "fovea/nn/max_pool2d.hpp"
#include "fovea/nn/flatten.hpp"
#include "fovea/nn/batch_norm2d.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/avg_pool2d.hpp"
#include "fovea/nn/global_avg_pool2d.hpp"
#include "fovea/nn/activations.hpp"
#include "fovea/nn/softmax.hpp"
#include "fovea/nn/cross_entropy.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/nn/shapes.hpp"
//
#include "fovea/nn/chain.hpp"
#include "fovea/nn/composite.hpp"
#include "fovea/nn/add.hpp"
#include "fovea/nn/concat.hpp"
#include "fovea/nn/residual.hpp"
//
#include "fovea/nn/specification.hpp"
#include "fovea/nn/repeat.hpp"

// engine: what runs a network.
#include "fovea/engine/plan.hpp"
#include "fovea/engine/memory_plan.hpp"
#include "fovea/engine/make_plan.hpp"
#include "fovea/engine/run_plan.hpp"
#include "fovea/engine/any_layer.hpp"
#include "fovea/engine/any_workspace.hpp"
//
#include "fovea/engine/fused_group.hpp"
#include "fovea/engine/identity.hpp"

// fused: layers that run as one.
#include "fovea/fused/rules.hpp"
#include "fovea/fused/linear_relu.hpp"
#include "fovea/fused/conv_chain.hpp"
#include "fovea/fused/conv_stage.hpp"
#include "fovea/fused/plain_stage.hpp"
#include "fovea/fused/pooled_stage.hpp"
#include "fovea/fused/norm_activation.hpp"
#include "fovea/fused/conv_norm.hpp"
#include "fovea/fused/norm_stage.hpp"

// model: layers become a network.
#include "fovea/model/sequential.hpp"
#include "fovea/model/workspace.hpp"
#include "fovea/model/network.hpp"
#include "fovea/model/predictor.hpp"
//
#include "fovea/model/summary.hpp"
#include "fovea/model/seen.hpp"
#include "fovea/model/architecture.hpp"
#include "fovea/model/held_layer.hpp"

// data: what a network learns from.
#include "fovea/data/dataset.hpp"
#include "fovea/data/mnist.hpp"
#include "fovea/data/idx.hpp"
#include "fovea/data/synthetic_digits.hpp"
#include "fovea/data/batches.hpp"
//
#include "fovea/data/augment.hpp"
#include "fovea/data/warp.hpp"

// train: it learns.
#include "fovea/train/optimizer.hpp"
#include "fovea/train/sgd.hpp"
#include "fovea/train/adam.hpp"
#include "fovea/train/schedule.hpp"
#include "fovea/train/metrics.hpp"
#include "fovea/train/gradient_check.hpp"

// clang-format on
