// SPDX-License-Identifier: MIT
//
// AnyWorkspace: a plan, its forward and backward, and their checks. It is a Workspace without the
// type of its network, of which it has two things: its identity, and a function that draws it.
#pragma once

#include <string>
#include <string_view>

#include "fovea/core/parallel.hpp"
#include "fovea/engine/identity.hpp"
#include "fovea/engine/plan.hpp"

namespace fovea::inline FOVEA_ABI {

/// All memory of one forward and one backward of a network that computes in T.
template <class T>
class AnyWorkspace {
 public:
  AnyWorkspace(AnyWorkspace&&) = default;
  AnyWorkspace& operator=(AnyWorkspace&&) = default;

  /// The largest batch size.
  Index capacity() const { return capacity_; }
  int threads() const { return options_.threads; }
  /// How it was made, with the number of threads resolved.
  const WorkspaceOptions& options() const { return options_; }
  /// What runs: steps, fused groups and memory.
  const Plan<T>& plan() const { return plan_; }

  /// The output of the layer with this path in the last forward,
  /// `w.activation("residual1.f.conv2")`, also of one that is made of others.
  AnyView<const T> activation(std::string_view path) const {
    return plan_.value(kept("activation", path));
  }
  /// The gradient of that output in the last backward.
  AnyView<const T> gradient(std::string_view path) const {
    return plan_.gradient(kept("gradient", path));
  }

  /// The steps of training so far; an optimizer sets it, and so does loading a checkpoint.
  std::uint64_t step = 0;
  /// Which example of the whole batch the first of x is, if the batch is
  /// split over several workspaces.
  Index first_example = 0;
  /// Which node of the sums over a batch this workspace has, if several share them.
  BatchPart part = {};

 protected:
  /// Draws the network at `net` on the plan.
  using Draw = void (*)(const void* net, Plan<T>& plan);

  AnyWorkspace(const NetworkIdentity& network, Index capacity, const WorkspaceOptions& options)
      : options_(resolved(options)),
        capacity_(capacity),
        network_(network),
        plan_(capacity, options_) {
    detail::InsideLayer::check_outside("workspace");
    network.check_used("workspace");
    check(capacity > 0, "workspace: expected a batch size of 1 or more, got ", capacity);
  }

  bool goes_back() const { return options_.keep != Keep::output; }
  Mode default_mode() const {
    return options_.keep == Keep::for_backward ? Mode::train : Mode::eval;
  }

  /// The output of layer `last` of the plan for x, all of whose layers run.
  FOVEA_OUT_OF_LINE void forward(const AnyView<const T>& x, Mode mode) {
    const Extents expected = plan_.value(0).extents;
    const Index N = x.extents.at[0];
    check(x.extents == expected.with_batch(N), "forward: expected ", expected.with_batch(capacity_),
          " or fewer, got ", x.extents);
    check(0 < N && N <= capacity_ && !x.empty(), "forward: expected 1 to ", capacity_,
          " examples, for which this workspace was made, got ", N);
    check_outside("forward", x);
    began_ = nowhere;
    whole_ = 0;
    plan_.set_batch(N);
    plan_.forward(x.data, 0, context(mode));
    began_ = 0;
    whole_ = N;
    buffers_are_new_ = mode == Mode::train;
  }

  /// From `dy`, the gradient of `value`.
  FOVEA_OUT_OF_LINE void backward(const AnyView<const T>& dy, std::size_t value) {
    check(goes_back(), "backward: this workspace is for prediction; make it ",
          "with {.keep = Keep::for_backward}");
    check(began_ != nowhere, "backward: expected a forward in this workspace before it, and one ",
          "that ran to its end");
    check(began_ == 0, "backward: the last forward began in the middle ",
          "(forward_after), so the layers before it have nothing to go back to");
    check_apart("backward", value);
    const AnyView<T> kept = plan_.gradient(value);
    check(dy.extents == kept.extents, "backward: expected a gradient ", kept.extents, ", got ",
          dy.extents);
    if (!plan_.is_kept(value))
      fail("backward: forward did not keep the output of ", plan_.layer(value - 1).path,
           ", from which it begins; make the workspace without {.recompute = true}");
    if (kept.empty()) return;  // nothing is trained up to there
    if (dy.data != kept.data) std::copy_n(dy.data, dy.extents.size(), kept.data);
    if (options_.recompute) began_ = nowhere;  // its values are gone, also after an error
    plan_.backward(value);
  }

  /// The layers after `value` run, as if it were y. If they read earlier values too,
  /// those are of the last forward.
  FOVEA_OUT_OF_LINE void forward_after(const AnyView<const T>& y, std::size_t value, Mode mode) {
    const Extents expected = plan_.value(value).extents;
    const Index N = y.extents.at[0];
    check(y.extents == expected.with_batch(N) && !y.empty() && 0 < N && N <= capacity_,
          "forward_after: expected the output of ", plan_.layer(value - 1).path, ", ",
          expected.with_batch(capacity_), " or fewer, got ", y.extents);
    check(!plan_.reads_before(value) || (goes_back() && !options_.recompute && whole_ == N),
          "forward_after: layers after ", plan_.layer(value - 1).path,
          " read earlier values too; expected a forward of ", N,
          " examples before it, in a workspace that keeps them ({.keep = Keep::everything})");
    began_ = nowhere;
    plan_.set_batch(N);
    const AnyView<T> output = plan_.value(value);
    if (y.data != output.data) check_outside("forward_after", y);
    if (plan_.exists(value)) {
      if (y.data != output.data) std::copy_n(y.data, y.extents.size(), output.data);
      plan_.forward(nullptr, value, context(mode));
    } else if (!plan_.forward_inside(value - 1, y, context(mode))) {
      check_apart("forward_after", value);
    }
    if (value < plan_.layer_count()) began_ = value;
  }

  /// Throws unless this is the network that the run was made for, with layers of the extents that
  /// they had then. It may have moved, so this is also where the plan learns where the layers are.
  FOVEA_OUT_OF_LINE void check_belongs(const char* what, const NetworkIdentity& network,
                                       const void* net, Draw draw) {
    detail::InsideLayer::check_outside(what);
    network_.check_same(what, network, options_.prepack_weights);
    draw(net, plan_);
    std::size_t at = 0;
    if (!plan_.unchanged(at))
      fail(what, ": ", plan_.layer(at).path,
           " has other extents or options than when this workspace was made; make a new one");
  }

  /// Throws unless parameters can be trained with it.
  [[gnu::cold]] void check_gradients(const char* what) const {
    check(
        goes_back() && options_.parameter_gradients, what, ": expected a workspace with gradients ",
        "of the parameters, got one with {.keep = Keep::output} or {.parameter_gradients = false}");
    check(!options_.prepack_weights, what, ": expected a workspace for training, got one with ",
          "{.prepack_weights = true}, which says that the weights do not change");
  }

  /// Whether there are new values of buffers, which are the caller's from now on.
  bool take_buffers() {
    if (!std::exchange(buffers_are_new_, false)) return false;
    plan_.check_buffers();
    return true;
  }

  /// Throws unless a value is kept to be looked at.
  void check_kept(bool always, const char* what, std::string_view path) const {
    if (!always && options_.keep != Keep::everything)
      fail(what, ": this workspace did not keep that of ", path,
           "; make it with {.keep = Keep::everything}");
  }

  WorkspaceOptions options_;
  Index capacity_;
  NetworkIdentity::Owner network_;
  Plan<T> plan_;

 private:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  static WorkspaceOptions resolved(WorkspaceOptions options) {
    options.threads = resolve_threads(options.threads);
    options.scratch = std::make_shared<kernels::SharedScratch>();
    if (options.keep == Keep::everything) options.fuse = options.recompute = false;
    return options;
  }

  Context context(Mode mode) const {
    return {.mode = mode,
            .threads = options_.threads,
            .seed = options_.seed,
            .step = step,
            .first_example = part.whole > 0 ? part.first : first_example,
            .parameter_gradients = options_.parameter_gradients,
            .part = part};
  }

  std::size_t kept(const char* what, std::string_view path) const {
    const std::size_t value = plan_.find(path);
    check_kept(value == plan_.layer_count() && std::string_view(what) == "activation", what, path);
    return value;
  }

  void check_outside(const char* what, const AnyView<const T>& x) const {
    const View<const T, 1> memory = plan_.memory();
    const std::less<const T*> before;
    const bool apart = memory.empty() || !before(x.data, memory.end()) ||
                       !before(memory.begin(), x.data + x.extents.size());
    check(apart, what, ": expected an input outside of this workspace's memory; copy it first");
  }

  void check_apart(const char* what, std::size_t value) const {
    if (!plan_.exists(value))
      fail(what, ": ", plan_.layer(value - 1).path,
           " runs as one with its neighbours here; make the workspace with {.keep = "
           "Keep::everything}");
  }

  std::size_t began_ = nowhere;  // the layer at which the last forward that ran to its end began
  Index whole_ = 0;  // the examples of the last forward of all layers that ran to its end
  bool buffers_are_new_ = false;  // since the last commit, by a forward in train mode
};

}  // namespace fovea::inline FOVEA_ABI
