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

  /// Where data of another rank goes, or comes from.
  struct Message {
    void* data;
    std::size_t bytes;
  };
  /// Begins to send `out[r]` to, and to receive `in[r]` from each other rank r. The memory stays
  /// as it is until `requests`, 2 size() of them, are done; messages with one tag arrive in order.
  void begin(const std::vector<Message>& out, const std::vector<Message>& in, int tag,
             MPI_Request* requests) {
    for (int r = 0; r < size_; ++r) {
      const auto at = static_cast<std::size_t>(r);
      MPI_Request *const receive = requests + 2 * r, *const send = receive + 1;
      *receive = *send = MPI_REQUEST_NULL;
      if (r == rank_) continue;
      check_call(MPI_Irecv(in[at].data, length(in[at]), MPI_BYTE, r, tag, MPI_COMM_WORLD, receive),
                 "MPI_Irecv");
      check_call(MPI_Isend(out[at].data, length(out[at]), MPI_BYTE, r, tag, MPI_COMM_WORLD, send),
                 "MPI_Isend");
      sent_ += out[at].bytes;
      ++messages_;
    }
  }
  /// Whether these requests are done.
  bool done(MPI_Request* requests, int count) const {
    int all = 0;
    check_call(MPI_Testall(count, requests, &all, MPI_STATUSES_IGNORE), "MPI_Testall");
    return all != 0;
  }
  /// Waits for one of the requests, which begin() made. False if there is none to wait for.
  bool wait_for_one(std::vector<MPI_Request>& requests) {
    const auto start = Clock::now();
    int at = MPI_UNDEFINED;
    check_call(
        MPI_Waitany(static_cast<int>(requests.size()), requests.data(), &at, MPI_STATUS_IGNORE),
        "MPI_Waitany");
    if (at == MPI_UNDEFINED) return false;
    waited_[static_cast<std::size_t>(at / 2 % size_)] +=
        std::chrono::duration<double>(Clock::now() - start).count();
    return true;
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
    std::vector<MPI_Request> requests(2 * in.size());
    begin(out, in, gather_tag, requests.data());
    while (wait_for_one(requests)) {
    }
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

  static constexpr int gather_tag = 0;  ///< tags from 1 on are free

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
  static int length(const Message& m) {
    check(m.bytes < (std::size_t{1} << 31), "mpi: expected messages below 2^31 bytes, got ",
          m.bytes);
    return static_cast<int>(m.bytes);
  }
  void* gather_number(std::size_t number) { return gather(&number, sizeof number); }

  bool own_ = false;
  int rank_ = 0, size_ = 1;
  std::vector<double> waited_{};
  std::vector<std::uint64_t> gathered_{};
  std::uint64_t sent_ = 0, messages_ = 0;
};

}  // namespace fovea::inline FOVEA_ABI::mpi
