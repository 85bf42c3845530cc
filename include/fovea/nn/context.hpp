// SPDX-License-Identifier: MIT
//
// What a layer is told about the run: the options of the workspace that it is part of, and the context of one
// forward or backward. A layer that contains networks passes both on,
//
//   branch.workspace(N, options)                                    in pass(shape, options)
//   branch.forward(x, pass.branch, context.child("branch"))         in forward
//
// so that a network inside a layer has the mode, threads, seed and step of the one around it.
#pragma once

#include <cstdint>
#include <string_view>

#include "fovea/core/random.hpp"

namespace fovea::inline FOVEA_ABI {

/// Some layers (dropout, batch normalisation) behave differently once training is over.
enum class Mode { train, eval };

/// What a workspace lets you look at. `output`: forward only, for prediction. `for_backward`: also the
/// gradients of parameters and input. `everything`: every activation and its gradient.
enum class Keep { output, for_backward, everything };

/// How a workspace is made: `net.workspace(64, {.keep = Keep::everything})`.
struct WorkspaceOptions {
  Keep keep = Keep::for_backward;   ///< what is held on to
  bool input_gradient = false;      ///< whether backward also computes ds/dx of the network's input
  bool parameter_gradients = true;  ///< false: backward may leave out ds/dtheta, which saves time
  int threads = 0;                  ///< 0: OMP_NUM_THREADS, or all
  bool fuse = true;                 ///< false: layer by layer, as Keep::everything implies
  std::uint64_t seed = 0;           ///< for layers that draw random numbers
  bool prepack_weights = false;     ///< the weights will not change: what is packed is packed once
  int* nested = nullptr;            ///< set in the options that a layer is given, see Child
};

struct ChildContext;

/// What a layer is told about the pass it runs in. Random numbers inside a layer are a function of
/// (seed, step, layer, element), so neither threads nor a resumed training can change them.
struct Context {
  Mode mode = Mode::train;  ///< training, or not any more
  int threads = 1;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;           ///< steps of training so far, see Adam::steps
  std::uint64_t layer = 0;          ///< the layer's identity: another number for every layer
  bool parameter_gradients = true;  ///< false: ds/dtheta will not be read

  /// The same of layer number i inside a network that runs in this context.
  Context of_layer(std::uint64_t i) const {
    Context inside = *this;
    inside.layer = Rng{layer, i}.bits();
    return inside;
  }
  /// What a layer gives to the network inside it that children() lists under this name: the same mode,
  /// threads, seed and step, and an identity of its own.
  ChildContext child(std::string_view name) const;
};

/// The context of a network inside a layer; only Context::child makes one.
struct ChildContext {
  Context context;        ///< with the network's identity
  std::string_view name;  ///< for errors, "residual1.branch.conv2: ..."
};

inline ChildContext Context::child(std::string_view name) const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return {of_layer(hash), name};
}

}  // namespace fovea::inline FOVEA_ABI
