// SPDX-License-Identifier: MIT
//
// The session of the page as a native program: a command a line on standard input, an answer a line on
// standard output, its numbers and bytes in it. "bytes" of a command is a list of numbers, "file" the
// name of a file with them.
#include <fstream>
#include <iostream>
#include <iterator>

#include "explorer/session.hpp"

int main() {
  using explorer::Json;
  explorer::Session session;
  for (std::string line; std::getline(std::cin, line);) {
    Json out;
    try {
      const Json command = Json::parse(line);
      std::vector<std::uint8_t> bytes;
      if (command.contains("bytes")) bytes = command["bytes"].get<std::vector<std::uint8_t>>();
      if (command.contains("file")) {
        std::ifstream file(command["file"].get<std::string>(), std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(file), {});
      }
      const explorer::Reply reply = session.answer(command, bytes);
      out = reply.text;
      out["numbers"] = reply.numbers;
      if (!reply.bytes.empty()) out["bytes"] = reply.bytes;
    } catch (const std::exception& error) {
      out = {{"error", error.what()}};
    }
    std::cout << out.dump() << std::endl;
  }
}
