// SPDX-License-Identifier: MIT
//
// Ranks: the processes that mpirun started, and what they say to each other. The one page that
// includes mpi.h.
//
//   int main() {
//     mpi::Ranks ranks;                        // alone where no mpirun started the program
//     ...
//   }
//
// Every message is point to point and counted, so bytes and waiting times are those of this page
// and not of an algorithm that the engine chose. Nothing here adds numbers: bytes travel, and the
// sums are those of kernels/batch_part.hpp.
//
// A rank that ends with an error ends all (abort()); one that is killed is missed by mpirun, which
// ends the others.
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI::mpi {

/// The processes of this run.
class Ranks {
 public:
  /// Joins the others, if mpirun started this program.
  Ranks() {
    int started = 0;
    check_call(MPI_Initialized(&started), "MPI_Initialized");
    own_ = started == 0 && under_mpirun();
    if (own_) {
      int provided = 0;
      check_call(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init");
      check(provided >= MPI_THREAD_FUNNELED, "mpi: expected an MPI that allows threads beside the ",
            "one that calls it (MPI_THREAD_FUNNELED), found none");
    }
    if (own_ || started != 0) {
      check_call(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
      check_call(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    }
    waited_.resize(static_cast<std::size_t>(size_));
  }
  /// The others may still be at work: each leaves when all do.
  ~Ranks() {
    if (own_) MPI_Finalize();
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }  ///< which one this is, from 0 on
  int size() const { return size_; }  ///< how many there are
  /// Ends all ranks with this status.
  void abort(int status) const {
    if (size_ > 1) MPI_Abort(MPI_COMM_WORLD, status);
  }

  /// To be called before an error is told: false on a rank that need not, because rank 0 has found
  /// one too and is about to tell it. Takes a second on the others.
  bool may_tell() const {
    if (rank_ == 0) {
      // Never waited for: what comes next is abort().
      for (int r = 1; r < size_; ++r) {
        MPI_Request request;
        MPI_Isend(nullptr, 0, MPI_BYTE, r, failure_tag, MPI_COMM_WORLD, &request);
      }
      return true;
    }
    int told = 0;
    for (const auto start = Clock::now();
         told == 0 && Clock::now() - start < std::chrono::seconds(1);)
      MPI_Iprobe(0, failure_tag, MPI_COMM_WORLD, &told, MPI_STATUS_IGNORE);
    return told == 0;
  }

  /// Where data of another rank goes, or comes from.
  struct Message {
    void* data;         ///< its first byte
    std::size_t bytes;  ///< of it
  };
  /// Messages on their way, each to or from one rank.
  struct Transfer {
    std::vector<MPI_Request> requests{};  ///< one a packet
    std::vector<int> ranks{};             ///< whom each is to or from
  };
  /// Begins to send `out[r]` to, and to receive `in[r]` from each other rank r. The memory stays
  /// as it is until the transfer is done; transfers with one tag arrive in order.
  // In packets that Open MPI and MPICH send at once. Of a longer message they ask the receiver
  // first, and the answer waits until what is sent already has arrived: a third more time at
  // 1 Gbit/s (benchmarks/scaling).
  void begin(const std::vector<Message>& out, const std::vector<Message>& in, int tag,
             Transfer& transfer) {
    constexpr std::size_t packet = 60000;
    transfer.requests.clear();
    transfer.ranks.clear();
    const auto each_packet = [&](const Message& message, int r, const auto& call) {
      for (std::size_t at = 0; at < message.bytes; at += packet) {
        const auto count = static_cast<int>(std::min(packet, message.bytes - at));
        transfer.ranks.push_back(r);
        transfer.requests.push_back(MPI_REQUEST_NULL);
        call(static_cast<char*>(message.data) + at, count, r, &transfer.requests.back());
      }
    };
    for (int step = 1; step < size_; ++step) {
      const int r = (rank_ + step) % size_;
      each_packet(in[static_cast<std::size_t>(r)], r,
                  [&](char* data, int count, int from, MPI_Request* request) {
                    check_call(MPI_Irecv(data, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, request),
                               "MPI_Irecv");
                  });
    }
    for (int step = 1; step < size_; ++step) {
      const int r = (rank_ + step) % size_;
      sent_ += out[static_cast<std::size_t>(r)].bytes;
      each_packet(out[static_cast<std::size_t>(r)], r,
                  [&](char* data, int count, int to, MPI_Request* request) {
                    check_call(MPI_Isend(data, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, request),
                               "MPI_Isend");
                    ++messages_;
                  });
    }
  }
  /// Whether it is done.
  bool done(Transfer& transfer) const {
    int all = 0;
    check_call(MPI_Testall(static_cast<int>(transfer.requests.size()), transfer.requests.data(),
                           &all, MPI_STATUSES_IGNORE),
               "MPI_Testall");
    return all != 0;
  }
  /// Waits until it is done, and notes for which ranks.
  void wait(Transfer& transfer) {
    for (;;) {
      const auto start = Clock::now();
      int at = MPI_UNDEFINED;
      check_call(MPI_Waitany(static_cast<int>(transfer.requests.size()), transfer.requests.data(),
                             &at, MPI_STATUS_IGNORE),
                 "MPI_Waitany");
      if (at == MPI_UNDEFINED) return;
      const int r = transfer.ranks[static_cast<std::size_t>(at)];
      waited_[static_cast<std::size_t>(r)] +=
          std::chrono::duration<double>(Clock::now() - start).count();
    }
  }

  /// The same number of bytes of every rank, one after the other, in memory that is good until the
  /// next call.
  void* gather(const void* mine, std::size_t bytes) {
    gathered_.resize((bytes * static_cast<std::size_t>(size_) + 7) / 8);
    auto* const all = reinterpret_cast<char*>(gathered_.data());
    std::copy_n(static_cast<const char*>(mine), bytes,
                all + bytes * static_cast<std::size_t>(rank_));
    if (size_ == 1) return all;
    std::vector<Message> out(static_cast<std::size_t>(size_)), in = out;
    for (std::size_t r = 0; r < in.size(); ++r) {
      out[r] = {all + bytes * static_cast<std::size_t>(rank_), bytes};
      in[r] = {all + bytes * r, bytes};
    }
    begin(out, in, gather_tag, gathering_);
    wait(gathering_);
    return all;
  }
  /// The texts of every rank.
  std::vector<std::string> gather(const std::string& mine) {
    const auto* lengths = static_cast<const std::size_t*>(gather_number(mine.size()));
    const std::vector<std::size_t> length(lengths, lengths + size_);
    std::string padded = mine;
    const std::size_t most = *std::max_element(length.begin(), length.end());
    padded.resize(most);
    const auto* const all = static_cast<const char*>(gather(padded.data(), most));
    std::vector<std::string> texts;
    for (std::size_t r = 0; r < length.size(); ++r) texts.emplace_back(all + r * most, length[r]);
    return texts;
  }
  /// Whether any rank says yes.
  bool any(bool mine) {
    const auto* const all = static_cast<const std::size_t*>(gather_number(mine ? 1 : 0));
    return std::any_of(all, all + size_, [](std::size_t yes) { return yes != 0; });
  }
  /// All ranks get what rank 0 has.
  void broadcast(void* data, std::size_t bytes) {
    constexpr std::size_t most = std::size_t{1} << 30;  // a count is an int
    auto* at = static_cast<char*>(data);
    for (std::size_t done = 0; done < bytes && size_ > 1; done += most)
      check_call(MPI_Bcast(at + done, static_cast<int>(std::min(most, bytes - done)), MPI_BYTE, 0,
                           MPI_COMM_WORLD),
                 "MPI_Bcast");
  }

  /// Throws unless all ranks say the same of the same things, naming the first that does not, and
  /// what. Names and texts have no line breaks.
  void compare(const std::map<std::string, std::string>& what) {
    std::string text;
    for (const auto& [name, value] : what) text += name + ": " + value + "\n";
    const auto all = gather(text);
    for (std::size_t r = 1; r < all.size(); ++r) {
      if (all[r] == all[0]) continue;
      std::size_t same = 0;
      while (all[r][same] == all[0][same]) ++same;  // a text is no beginning of another
      const std::size_t begin = same == 0 ? 0 : all[0].rfind('\n', same - 1) + 1;
      const auto line = [&](const std::string& lines) {
        return begin < lines.size() ? lines.substr(begin, lines.find('\n', begin) - begin)
                                    : std::string("nothing more");
      };
      fail("rank ", r, ": expected what rank 0 has, ", line(all[0]), ", found ", line(all[r]));
    }
  }

  std::uint64_t bytes_sent() const { return sent_; }         ///< by this rank, without broadcast()
  std::uint64_t messages_sent() const { return messages_; }  ///< the same
  /// Seconds that this rank has waited for each.
  const std::vector<double>& waited() const { return waited_; }

  static constexpr int failure_tag = 0, gather_tag = 1;  ///< tags from 2 on are free

 private:
  using Clock = std::chrono::steady_clock;

  // By the variables that the launchers of Open MPI, MPICH, Slurm and PMIx set. A program that is
  // started by hand is alone, and needs no MPI.
  static bool under_mpirun() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"})
      if (std::getenv(name)) return true;
    return false;
  }
  static void check_call(int result, const char* call) {
    check(result == MPI_SUCCESS, "mpi: expected ", call, " to succeed, got error ", result);
  }
  void* gather_number(std::size_t number) { return gather(&number, sizeof number); }

  bool own_ = false;
  int rank_ = 0, size_ = 1;
  std::vector<double> waited_{};
  std::vector<std::uint64_t> gathered_{};
  Transfer gathering_{};
  std::uint64_t sent_ = 0, messages_ = 0;
};

}  // namespace fovea::inline FOVEA_ABI::mpi
