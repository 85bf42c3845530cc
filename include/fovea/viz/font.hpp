// SPDX-License-Identifier: MIT
//
// A font of 5 x 7 dots, and two below the line for g, j, p, q and y, so that a picture can carry
// its own numbers. Drawn here, to be read here.
#pragma once

#include <array>
#include <string_view>

#include "fovea/core/abi.hpp"

namespace fovea::inline FOVEA_ABI::detail {

struct GlyphBlock {
  std::string_view characters;
  std::array<std::string_view, 9> rows;  // six columns for each character, the last one empty
};

inline constexpr std::array<GlyphBlock, 8> font{{
    {"0123456789",
     {" ###    #    ###  #####    #  #####  ##   #####  ###   ###  ",
      "#   #  ##   #   #    #    ##  #      #        # #   # #   # ",
      "#  ##   #       #   #    # #  ####  #        #  #   # #   # ",
      "# # #   #      #     #  #  #      # ####    #    ###   #### ",
      "##  #   #     #       # #####     # #   #  #    #   #     # ",
      "#   #   #    #    #   #    #  #   # #   #  #    #   #    #  ",
      " ###   ###  #####  ###     #   ###   ###   #     ###   ##   ",
      "                                                            ",
      "                                                            "}},
    {"ABCDEFGHIJ",
     {" ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### ",
      "#   # #   # #   # #   # #     #     #   # #   #   #      #  ",
      "#   # #   # #     #   # #     #     #     #   #   #      #  ",
      "##### ####  #     #   # ####  ####  # ### #####   #      #  ",
      "#   # #   # #     #   # #     #     #   # #   #   #      #  ",
      "#   # #   # #   # #   # #     #     #   # #   #   #   #  #  ",
      "#   # ####   ###  ####  ##### #      #### #   #  ###   ##   ",
      "                                                            ",
      "                                                            "}},
    {"KLMNOPQRST",
     {"#   # #     #   # #   #  ###  ####   ###  ####   #### ##### ",
      "#  #  #     ## ## ##  # #   # #   # #   # #   # #       #   ",
      "# #   #     # # # # # # #   # #   # #   # #   # #       #   ",
      "##    #     # # # #  ## #   # ####  #   # ####   ###    #   ",
      "# #   #     #   # #   # #   # #     # # # # #       #   #   ",
      "#  #  #     #   # #   # #   # #     #  #  #  #      #   #   ",
      "#   # ##### #   # #   #  ###  #      ## # #   # ####    #   ",
      "                                                            ",
      "                                                            "}},
    {"UVWXYZabcd",
     {"#   # #   # #   # #   # #   # #####       #               # ",
      "#   # #   # #   # #   # #   #     #       #               # ",
      "#   # #   # #   #  # #   # #     #   ###  # ##   ###   ## # ",
      "#   # #   # # # #   #     #     #       # ##  # #     #  ## ",
      "#   # #   # # # #  # #    #    #     #### #   # #     #   # ",
      "#   #  # #  # # # #   #   #   #     #   # #   # #   # #   # ",
      " ###    #    # #  #   #   #   #####  #### ####   ###   #### ",
      "                                                            ",
      "                                                            "}},
    {"efghijklmn",
     {"        ##        #       #      #  #      ##               ",
      "       #  #       #                 #       #               ",
      " ###   #     #### # ##   ##     ##  #  #    #   ## #  # ##  ",
      "#   # ###   #   # ##  #   #      #  # #     #   # # # ##  # ",
      "#####  #    #   # #   #   #      #  ##      #   # # # #   # ",
      "#      #    #   # #   #   #      #  # #     #   #   # #   # ",
      " ###   #     #### #   #  ###     #  #  #   ###  #   # #   # ",
      "                #             #  #                          ",
      "             ###               ##                           "}},
    {"opqrstuvwx",
     {"                               #                            ",
      "                               #                            ",
      " ###  # ##   ## # # ##   #### ###   #   # #   # #   # #   # ",
      "#   # ##  # #  ## ##  # #      #    #   # #   # #   #  # #  ",
      "#   # #   # #   # #      ###   #    #   # #   # # # #   #   ",
      "#   # #   # #   # #         #  #  # #  ##  # #  # # #  # #  ",
      " ###  ####   #### #     ####    ##   ## #   #    # #  #   # ",
      "      #         #                                           ",
      "      #         #                                           "}},
    {"yz.,:-+%=/",
     {"                                          ##  #             ",
      "                                      #   ##  #           # ",
      "#   # #####              #            #      #  #####    #  ",
      "#   #    #                    ##### #####   #             # ",
      "#   #   #                             #    #    #####  #    ",
      "#   #  #     ##    ##    #            #   #  ##       #     ",
      " #### #####  ##    ##                        ##             ",
      "    #               #                                       ",
      " ###               #                                        "}},
    {"()[]<>_?!'",
     {"   #   #     ###   ###     #   #           ###    #     #   ",
      "  #     #    #       #    #     #         #   #   #     #   ",
      " #       #   #       #   #       #            #   #         ",
      " #       #   #       #  #         #          #    #         ",
      " #       #   #       #   #       #          #     #         ",
      "  #     #    #       #    #     #                           ",
      "   #   #     ###   ###     #   #            #     #         ",
      "                                    #####                   ",
      "                                                            "}},
}};

/// Calls dot(column, row) for every dot of the character; unknown ones are blank.
template <class Dot>
constexpr void draw_glyph(char character, Dot&& dot) {
  for (const auto& [characters, rows] : font) {
    const auto place = characters.find(character);
    if (place == characters.npos) continue;
    for (std::size_t row = 0; row < rows.size(); ++row)
      for (std::size_t column = 0; column < 5; ++column)
        if (rows[row][6 * place + column] == '#') dot(column, row);
  }
}

}  // namespace fovea::inline FOVEA_ABI::detail
