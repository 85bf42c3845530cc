// SPDX-License-Identifier: MIT
//
// What the page's worker calls, in C: a command goes in as JSON with bytes beside it, and the answer is
// read where the last four functions say, until the next call.
#include <emscripten.h>

#include "explorer/session.hpp"

namespace {

explorer::Session& session() {
  static explorer::Session one;
  return one;
}
std::vector<std::uint8_t> room;  // for the bytes of the next command
explorer::Reply reply;
std::string text;

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE std::uint8_t* explorer_room(std::size_t size) {
  room.assign(size, 0);
  return room.data();
}

// 0, or 1 for an error, which the text then says.
EMSCRIPTEN_KEEPALIVE int explorer_answer(const char* command) {
  int status = 0;
  try {
    reply = session().answer(explorer::Json::parse(command), room);
  } catch (const std::exception& error) {
    reply = {};
    reply.text["error"] = error.what();
    status = 1;
  }
  room.clear();
  text = reply.text.dump(-1, ' ', false, explorer::Json::error_handler_t::replace);
  return status;
}

EMSCRIPTEN_KEEPALIVE const char* explorer_text() { return text.c_str(); }
EMSCRIPTEN_KEEPALIVE const float* explorer_numbers() { return reply.numbers.data(); }
EMSCRIPTEN_KEEPALIVE std::size_t explorer_count() { return reply.numbers.size(); }
EMSCRIPTEN_KEEPALIVE const std::uint8_t* explorer_bytes() { return reply.bytes.data(); }
EMSCRIPTEN_KEEPALIVE std::size_t explorer_size() { return reply.bytes.size(); }
}
