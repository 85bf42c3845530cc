// SPDX-License-Identifier: MIT
//
// What a layer is told about the run: the options of the workspace that it is part of, and the
// context of one forward or backward.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI {

/// Some layers (dropout, batch normalisation) behave differently once training is over.
enum class Mode { train, eval };

/// What a workspace lets you look at. `output`: forward only, for prediction. `for_backward`: also
/// the gradients of parameters and input. `everything`: every activation and its gradient.
enum class Keep { output, for_backward, everything };

/// How a workspace is made: `net.workspace(64, {.keep = Keep::everything})`.
struct WorkspaceOptions {
  Keep keep = Keep::for_backward;   ///< what can be looked at
  bool input_gradient = false;      ///< whether backward also computes ds/dx of the network's input
  bool parameter_gradients = true;  ///< false: backward may leave out ds/dtheta, which saves time
  int threads = 0;                  ///< 0: OMP_NUM_THREADS, or all
  bool fuse = true;                 ///< false: layer by layer, as Keep::everything implies
  std::uint64_t seed = 0;           ///< for layers that draw random numbers
  /// What costs next to nothing to compute (activations, with a normalisation before them or not,
  /// convolutions of few numbers) is not kept for backward, which computes it again: less memory,
  /// the same bits, and one backward for each forward.
  bool recompute = false;
  bool prepack_weights = false;  ///< the weights will not change: what is packed is packed once
  /// Whether a parameter, "conv1.weight", stays as it is. A layer of which all parameters do costs
  /// no ds/dtheta and runs in eval mode: batch normalisation uses its running values and keeps
  /// them.
  bool (*frozen)(std::string_view parameter) = nullptr;
  /// That of the workspace; not to be set.
  std::shared_ptr<kernels::SharedScratch> scratch = nullptr;
};

/// What a layer is told about the pass it runs in. Random numbers inside a layer are a function of
/// (seed, step, layer, example in the whole batch, element), so neither threads nor a resumed
/// training nor a batch in chunks can change them.
struct Context {
  Mode mode = Mode::train;  ///< training or prediction
  int threads = 1;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;           ///< steps of training so far, see Adam::steps
  std::uint64_t layer = 0;          ///< the layer's identity: another number for every layer
  Index first_example = 0;          ///< which example of the whole batch is the first one here
  bool parameter_gradients = true;  ///< false: ds/dtheta will not be read
  bool again = false;               ///< y of the last forward once more: nothing else may change
  BatchPart part = {};              ///< of a batch that several workspaces share

  /// The chunks of N examples: a sum over the batch is the tree of sums over them.
  kernels::BatchChunks chunks(Index N) const { return {N, part}; }
};

}  // namespace fovea::inline FOVEA_ABI
