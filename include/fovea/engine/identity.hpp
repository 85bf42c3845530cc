// SPDX-License-Identifier: MIT
//
// Which network is this? A workspace and an optimizer hold memory that fits one network, so both
// remember for which one they were made, and refuse another.
//
//   Net copy = net;          another network: it needs a workspace of its own
//   net = copy;              still `net`, with other weights
//   Net b = std::move(net);  b is what net was, with its workspaces; net is empty
//
// The numbers come from a counter. No result depends on them.
#pragma once

#include <cstdint>
#include <utility>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

/// The number of a network, and how often its tensors were replaced.
class NetworkIdentity {
 public:
  /// A new network, as a copy is.
  NetworkIdentity() : number_(next()) {}
  NetworkIdentity(const NetworkIdentity&) : number_(next()) {}
  NetworkIdentity(NetworkIdentity&& other) noexcept
      : number_(std::exchange(other.number_, 0)), version_(other.version_) {}
  /// The same network with other weights.
  NetworkIdentity& operator=(const NetworkIdentity&) {
    changed();
    return *this;
  }
  /// The same, and `other` is empty.
  NetworkIdentity& operator=(NetworkIdentity&& other) noexcept {
    changed();
    if (&other != this) other.number_ = 0;
    return *this;
  }

  /// The weights may be others from now on.
  void changed() {
    if (number_ == 0) number_ = next();
    ++version_;
  }

  /// Throws if the network has been moved from.
  void check_used(const char* what) const {
    check(number_ != 0, what, ": this network has been moved from");
  }

  /// A member of what is made for one network. Moved from, it belongs to none.
  class Owner {
   public:
    Owner(const NetworkIdentity& network) : number_(network.number_), version_(network.version_) {}
    Owner(const Owner&) = default;
    Owner(Owner&& other) noexcept
        : number_(std::exchange(other.number_, 0)), version_(other.version_) {}
    /// Of the other's network from now on.
    Owner& operator=(const Owner&) = default;
    /// The same, and `other` belongs to none.
    Owner& operator=(Owner&& other) noexcept {
      version_ = other.version_;
      number_ = &other == this ? number_ : std::exchange(other.number_, 0);
      return *this;
    }

    /// Throws unless it was made for `network`, and, if `packed`, for
    /// the weights that are there now.
    void check_same(const char* what, const NetworkIdentity& network, bool packed) const {
      network.check_used(what);
      check(number_ != 0, what, ": this workspace or optimizer has been moved from");
      check(number_ == network.number_, what, ": this workspace or optimizer was made for ",
            "another network (a copy of a network needs its own)");
      check(!packed || version_ == network.version_, what, ": the weights have changed since ",
            "this workspace packed them ({.prepack_weights = true})");
    }

   private:
    std::uint64_t number_, version_;
  };

 private:
  static std::uint64_t next() {
    static std::uint64_t last = 0;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
  }

  std::uint64_t number_, version_ = 0;
};

}  // namespace fovea::inline FOVEA_ABI
