// SPDX-License-Identifier: MIT
//
// safetensors: tensors in a file, and nothing in it that could be executed.
//
//   8 bytes   n, the length of the header, least significant byte first
//   n bytes   JSON   {"__metadata__": {"format": "pt"},
//                     "fc2.bias": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]}, ...}
//   then      the numbers, least significant byte first; offsets count from here
//
//   Safetensors file;
//   file.tensors["fc2.bias"] = store(bias);
//   write_safetensors("model.safetensors", file);
//   read_safetensors("model.safetensors").tensors.at("fc2.bias").copy_to(bias.flat(), "fc2.bias");
//
// The reader trusts nothing. The header is inside the file, at most 100 MB long, and JSON in UTF-8
// of just that form; no key comes twice, no shape overflows, and the offsets cover the data without
// a hole, an overlap or a byte left over. All of that is checked before the data is read. The
// writer does what the reference writer does: wider types first, then by name, the header filled up
// to a multiple of 8 bytes with spaces (github.com/huggingface/safetensors, README, "Format").
#pragma once

#include "fovea/io/safetensors_header.hpp"

namespace fovea::inline FOVEA_ABI {

/// A file in memory.
struct Safetensors {
  std::map<std::string, StoredTensor> tensors{};  ///< by name
  Metadata metadata{};                            // PyTorch's tools expect {"format": "pt"}
};

namespace detail {

// `read(count)` returns the next so many of the `size` bytes of a file.
template <class Read>
Safetensors take_safetensors(std::size_t size, std::string_view file, Read read) {
  check(size >= 8, file, ": expected a safetensors file, found only ", size, " bytes");
  const auto promised = from_little_endian<std::uint64_t>(read(8));
  check(promised <= longest_header, file, ": expected a header of at most ", longest_header,
        " bytes, found ", promised, " (not a safetensors file?)");
  const auto length = static_cast<std::size_t>(promised);
  check(length <= size - 8, file, ": expected a header of ", length, " bytes, found only ",
        size - 8, " (a truncated file?)");
  check(length > 0, file, ": expected a header that begins with {, found an empty one");
  Bytes text = read(1);
  check(text[0] == '{', file, ": expected a header that begins with {, found byte ", text[0]);
  const Bytes rest = read(length - 1);
  text.insert(text.end(), rest.begin(), rest.end());

  Header header = parse_header({reinterpret_cast<const char*>(text.data()), text.size()},
                               size - 8 - length, file);
  Safetensors result{{}, std::move(header.metadata)};
  for (HeaderTensor& t : header.tensors)
    result.tensors[t.name] = {t.dtype, std::move(t.shape), read(t.end - t.begin)};
  return result;
}

}  // namespace detail

/// The tensors in a file.
inline Safetensors read_safetensors(const std::string& path) {
  InputFile file(path);
  return detail::take_safetensors(file.size(), file.name(),
                                  [&](std::size_t count) { return file.read(count); });
}

/// The tensors in `bytes`, the content of a whole file; `name` is for errors.
inline Safetensors parse_safetensors(std::span<const std::uint8_t> bytes, std::string_view name) {
  return detail::take_safetensors(bytes.size(), name, detail::reader_of(bytes));
}

/// The bytes of a whole file. Throws on what its reader would refuse.
inline Bytes encode_safetensors(const Safetensors& file) {
  using Entry = std::pair<const std::string, StoredTensor>;
  std::vector<const Entry*> order;
  for (const Entry& entry : file.tensors) {
    const auto& [name, tensor] = entry;
    check(name != "__metadata__",
          "safetensors: expected another name for a tensor than __metadata__");
    tensor.validate(concat("safetensors: ", printable(name)));
    check(tensor.shape.size() <= detail::most_in_a_list, "safetensors: ", printable(name),
          ": expected at most ", detail::most_in_a_list, " extents, found ", tensor.shape.size());
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return a->second.dtype < b->second.dtype;  // a map is sorted by name
  });

  nlohmann::ordered_json header;
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::size_t at = 0;
  for (const Entry* entry : order) {
    const auto& [name, tensor] = *entry;
    const std::size_t end = at + tensor.bytes.size();
    header[name] = {
        {"dtype", to_string(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text;
  try {
    text = header.is_null() ? "{}" : header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("safetensors: expected names and metadata in UTF-8, found other bytes");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  check(text.size() <= detail::longest_header, "safetensors: expected a header of at most ",
        detail::longest_header, " bytes, found ", text.size());

  Bytes bytes;
  bytes.reserve(8 + text.size() + at);
  const std::uint64_t length = text.size();
  append_little_endian(bytes, std::span(&length, 1));
  bytes.insert(bytes.end(), text.begin(), text.end());
  for (const Entry* entry : order)
    bytes.insert(bytes.end(), entry->second.bytes.begin(), entry->second.bytes.end());
  return bytes;
}

/// Writes a whole file or, on any failure, throws and leaves what was there.
inline void write_safetensors(const std::string& path, const Safetensors& file) {
  write_file(path, encode_safetensors(file));
}

}  // namespace fovea::inline FOVEA_ABI
