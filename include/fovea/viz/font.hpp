// SPDX-License-Identifier: MIT
//
// The letters of pictures: outlines, and how much of each pixel they cover.
//
//   const detail::TextCoverage text("conv1", 2);   // capitals of 7 * 2 rows
//   text(y, x)                                     // 0: no ink, 1: all of the pixel
//
// An outline is made of lines and of parabolas, each given by two points on it and the one where
// their tangents cross. Every row of pixels is cut along 16 lines. Where an outline crosses such a
// line upwards, ink begins, where it crosses it downwards, ink ends, so the pixel of a crossing
// gets the part of it that is to the right, with a sign, and the next one the rest; the sum over
// all pixels to the left is what is covered. Capitals and digits are 7 dots high, x and its like 5,
// and the line they are on is a border of pixels, so their edges are sharp at any whole zoom.
//
// docs/tools/font.py made the text below from DejaVu Sans 2.37 (Debian's fonts-dejavu-core), whose
// licence follows; the heights are changed as it says.
//
// Copyright (c) 2003 by Bitstream, Inc. All Rights Reserved. Bitstream Vera is a trademark of
// Bitstream, Inc. DejaVu changes are in public domain.
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of the fonts
// accompanying this license ("Fonts") and associated documentation files (the "Font Software"), to
// reproduce and distribute the Font Software, including without limitation the rights to use, copy,
// merge, publish, distribute, and/or sell copies of the Font Software, and to permit persons to
// whom the Font Software is furnished to do so, subject to the following conditions:
//
// The above copyright and trademark notices and this permission notice shall be included in all
// copies of one or more of the Font Software typefaces.
//
// The Font Software may be modified, altered, or added to, and in particular the designs of glyphs
// or characters in the Fonts may be modified and additional glyphs or characters may be added to
// the Fonts, only if the fonts are renamed to names not containing either the words "Bitstream" or
// the word "Vera".
//
// This License becomes null and void to the extent applicable to Fonts or Font Software that has
// been modified and is distributed under the "Bitstream Vera" names.
//
// The Font Software may be sold as part of a larger software package but no copy of one or more of
// the Font Software typefaces may be sold by itself.
//
// THE FONT SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
// INCLUDING BUT NOT LIMITED TO ANY WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE
// AND NONINFRINGEMENT OF COPYRIGHT, PATENT, TRADEMARK, OR OTHER RIGHT. IN NO EVENT SHALL BITSTREAM
// OR THE GNOME FOUNDATION BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, INCLUDING ANY
// GENERAL, SPECIAL, INDIRECT, INCIDENTAL, OR CONSEQUENTIAL DAMAGES, WHETHER IN AN ACTION OF
// CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF THE USE OR INABILITY TO USE THE FONT SOFTWARE
// OR FROM OTHER DEALINGS IN THE FONT SOFTWARE.
//
// Except as contained in this notice, the names of Gnome, the Gnome Foundation, and Bitstream Inc.,
// shall not be used in advertising or otherwise to promote the sale, use or other dealings in this
// Font Software without prior written authorization from the Gnome Foundation or Bitstream Inc.,
// respectively. For further information, contact: fonts at gnome dot org.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// The characters from the blank to ~, each ended by |: two digits to the base of 62, how far it
// moves the next one, then contours, each but the first after a point. Three digits are one point:
// ((32 + x) * 320 + 80 + y) * 2, and 1 more if it is on the outline. Units are 1/32 dot.
inline constexpr std::string_view outlines = R"(
1a|1zD2vICvIBlD1l.D8zIIzIFdHj1DjHD5d|2HEdtEazAQvATp.O8HO5NJkzJnt|49VZjOFXME7TYJ.RxhPGBWaNZHtdHdaa7i
PHiOZZZTXY3fXXfWpWXPTqLPqbSXfLDTIgjEWfHDj9OZ9PHIENKFnCGJCH1LGRNnd|39Mf1KABKBdHWSCCM9hj9iZCD6HMmKCHK
ENEju9l09lj9mSF7eKHlKIrMnhMmbP74TRKVR5VQFTQWP6OMlvMjvSOiXiEXhVXgiS0qMgT.KFBKH5HHCEGuEGVEG6H58.Mj9Mh
9PrKT1yT2PT2mQ3S|4igXteNgbsAbrZbqweL6gVJifUlB0lBdlCEii4.gYTkYCpCEpBNpAUkUagUrcV6XqwXrpXsgcj2.GxlEnY
CHwCHHCGeEkoGv1J5CLQOLR1LRgIxc.dRxhRhK1JG1Z.GyPKnoPRiPQlPPsKjqGuRCug8Ge8HX8IUCye|3sHupFZuDOyDObDNuI
hKMh5P1aTBwV1n.LQ7Y2DZXWbDgbOXg3ZfiKd1yagthf7bKrXqlVBAPVwMBVGBs8YA8ZB8ZkBvEFQTE6ACwUCwpCxcITIN8LP8C
TIGVS5VR9THCPHiNcVKxKHcIHbrHbaJ60|1MEdtEazAQvATp|1wLInHxEEl0EjxEisHquLAFHAVDWY9jE9kH9lIDcoHJ3|1w9eD
DdxHHuKuuKttKsqHBeDVP9VfCrEG3SG4XG5aCxY|2UTRBKb7TPLS4JJanJZ3GjZGlJ8QF6vnFw56xd8T3Gm1Go5JdZJbVS77|49
SwTStlgsrgs5SszSqPOgLOivAu9AuvOjhOmP|1aBNlGi5GhFCVd9LVBMv|1n7urLOzLOD7u5|1aAsnGD7GBtArZ|1gITJMnh9gN
5Lz|39LmvHnADwCDunDtOHhOLh9PWYTXiTZ7TaWPcK.LnlRxgYaWYYnYX4RqSLgXFMG8j48kn8mWFTU|39BhxK25K7VB7hB8jJy
DP8DP1lXBZXAnBhB|39FCjWqvWq99CL9D7C38Lu2NEtPkCRaSRanRbONS6K7fHn8CSS9SL9TNCTgHo0JyDPnUWlqWkrWkQUu8Sj
RS3yLNo|39QExTjaXskXs5Xr2QBEJBhGrABrW9CX9DRBNOGMqJ21NrMSrkSsPSt0OEeK4bFkDFkzKFhO56Rv4RvbRwANx4K7fI7
mDIEASZATVDJIITIKdVQISX6cX5dX56TPE|39OmbC4DOij.NSzTnFTiPZ2jZ1xThdTg1OgLOhx7tN7uH|39AynUnBUmFFctFb1G
lKIvaJvXQFmXYiXXdXWWQ0uJBhGrABrU9Mp9NlBXiGMqJ21NMOSMuSNdSOMNPWJ59H5GD5MAuz|39MFJIuqEuGEtVEskIreMC7P
gsThSTiDTiyPk4.WS5WR9URSQcEOmhJn0ERIE5PFQOJvWMahSFeYiyYhtYgqRqSMBVFrE8tO8v78wkHTMOSvQSmUIC|399eDXcf
XcBK1JEgzRc79dH|39LjnI4gDtuDtJDsgI22Lh9PBuTMgTNJTNuPEY.GaDDQC9lw9mT9nSG8mLnlRIOXbaXabXa4Tu8QjtUOoYN
cYMzYLyRqSLgXFWa8sc8td8uGCuw.Em7ElaIQ4LkXOueSaMSatSbUOx2LmvISSEmi|39B21B2tCsGGroIhNNh2SsITOXRtCNO4K
ivFEG8ac8bj8cqFTUL8TRd2YQCYOTYMqQ0uIr3H1UD1k.L4JOOkSPKSQ7SQqOS4L7dHnADmSDljDkwHjq|1gBNhGi1GgrBMX.BR
PGljGkZBQF|1gBRPGljGkZBQF.BNhGi1GhFCVd9LVBMv|49gu9H4TgqlgpvAu9Auvgv3|49Aw5gu1gtBAvF.Au5gs1grDAtH|49
AwDAx7gsrgs5ArzAspaYD|2dFD7KCnKBdFBx.K39FO7FOpFPIGkSIv5LFzMl8NvoNw5NwWKmyHxVFxcBcs97h98fBTkGJ6IyHNS
yT6wT69T5kRFYOufMk5LZaKZOKOzKEYK3wK3j|4xOOBONUS1qV1fYBmbhIbhzbicY4GV4TS4eOOo.c1FaVyWgEU15Pr0KNUKORK
PKPv8U5DWkMaZQc3zc4bfjhfgJjBAnMGnN5nNaltWkEhhkUaGkVm3SmEN6sKm1GlkCFWCEfCDuFCQHr7KVkRKSVKDYUKeeghKFj
eFgTcZ8wVJXQeUIVIFLnC1w8j08jt8kiCH0FRlIcaR7mVmpb78k5anErp3wr2kr2Dr0yj06c0X|3OMwvG47TiZ.K8XPnVe01Yfh
VN1EYRB1t5hZ|3PFPZFN3NWrRguVWwVXbVYERjQNZN.FSbFQJMupQkEUFWUG3UGeQmWMx7.ATpNSzT7wZR8ZQ9ZPWWEeT4RWjMa
sUarpaqsU0eNqjAMb|3TcRHcQBZvoU70QmZKSIDbWDa9DYmKMaQgrU1IZr0cMJcLJZfoTg0QVtI1Q8EA8Fp8HUI8eQd7TxYZmU|
3pFSbFN3LWzTBoaMyaONaPkTHMLcX.ATpKnpVn6fkOfihfguVVYKgbAMb|38ATpY7dY6hFSZFQLXErXE5FPZFN3YLpYL3AMb|2r
ATpVxRVwVFSZFQLUF3UEHFPZFMHAMb|3qZqvZsnRYfRZPetDeqHbq4UqGQqXIBk8E88Fp8HWIIyQxlUcqb72dwBdv5b64UmIRRr
KSIDbYDa9DYkKMaRM9U1IYBW|3jATpFTVFQLXu9XxJcwzcplXq5XtNFPZFMHAMb|1TATpFTVFMHAMb|1TATpFTVFMlFLSAKa4fd
2fl2gb4Lp7gGAM8AN5|3FATpFTVFQFWI5cmfKFJe01XL7FPbFMHAMb|2lATpFTVFN3XgXXflAMb|4HATpHyLRNhb7RibxiUjdfN
dlbU1zOrzFSVFMHAMb|3iATpHJ3XgtXmzcmfcfRVqDFS9FMHAMb|3uPcLK7gDbSDa9DYqK1uPWZV1CbXIbYbbZuV6y.PdBXSKgu
YgsvgrIXL6PVxHgm8EC8Fp8HSHo0|2zFSbFPnLuNPP8TFETFtTGWPRwLxB.ATpLy5S80YbKYaDYZAS3YLtdFP3FMHAMb|3uPcLK
7gDbSDa9DYqK1uPWZV1CbXIbYbbZuV6y.Wfxd97X9VRg1QqOPqSPVpHge8EC8Fp8HSHo0PdBXSKguYgsvgribVg|3RS41Tj8Wsa
YMvdV3Y0PTCpRNwNtcKtpFPBFMHAMbATpLy5SIKYbOYaHYZcVEI.FSbFPxLuXPPITFKTFxTGcPRwLxB|39WmfWldTwQOx2MSDIS
SDx4DwVDw0GvMKuzO4zTjkZ34Z2FZ1ERg8KgbI1QC1u8rz8sxC2kHriKhDP1aThGThrTiKQOSMZDJPBDui8lc8mP8nQFo8Ly5Od
ETxY|325Jpax7awBNcNNW5IWPIch5It|3d9yrEyXEu1EssJCIOBzT1KXMgXNpXSLcS1cNNcM0VAuOBNH1U9sq9uD|3OK1J5onB9
7MrtYmve7FPgH|4u79NCJNK2NRxhXcffLfnGzsQzizhcV7Um5MgTGMD|3O8eHE8vNQ5Wn3c7NQ4VcplXL7MtjCMT6rpKFJ|325J
pAoTL5JVSTamnNZNNW5IWPIZh|3O8JdbcPbbZE2TcBFcAT7hR7i9VHD8Ih|1w9oXKTBKSVEStELjKLLKKd9fz|1g9oXMfXIL95U
9|1wKy9KpbALHALzGLbGSlAT9ATp|49TIHgtpbu9QwrFvZAvtOSv|2UVTvVTF4pd4qJ|2UEdtLbxHmX9oX|32MtNHOiD3sD3JD2
qGCSJ1xMrMRXORYFRYP.W3TW0XRVpRWbPquLBYHr7DWi8NS8OF8P6EkEL4VRZ5RZBRZkNQKJavHGOCb8Ab3AbrD6uHlwK6TQ64W
4e|39UNtUOoQFoMajIvcEkUEjZEicIrcMWjQBoUMw.ElNG6OKbQNbFSlEZ48Z2vZ1gSg4NW5KWGG1sEhlEgzA1xA9BEoD|2jUQH
UPTSPmOaaMajI60D5GD4LD3OI20MWjOWaSMCUMHULVSLSOLgM1BFgu8Di8Ez8GEFm4MGfOQqSQa|39SkTSnJXI1XAnSg5SgrRBU
MgSJgfEWe8Dk8Ez8GCEboJlpMlcRG0.Cu1Ct4HCOKhBOMGShiSifSjaOQGKlBHGOCuw|33YDXYD7D49DNuIMeN1hPgqUgmX1XX0
jUVgPLcMgTG1Y8Dg8Ev8GCFm4Lw1RayYEe.TYjTZQPQCM5lIGKDaUDF7|1kOSvOSDK7pHcyFciFcFFblNGbNFxFb7FWbArZAw56
bh6cLAwjAx5AxyFTUK8X|39SijSjcOaaKlBH64CuyCu5Ct8H2CKhJOWiShm.XBRXA4QoSKJtHp2DUmBV5BVxDVaHV8JV1OA2Sfe
SgZSgzRBcMgSJgfEWe8Dq8F38GEEboJlpMlcRG0SkTSlFXFx|39XYZXVRSqPStVSuCPkoMl1IvaEkeEjtEgzA1xA9BEoDElLGR2
KlkNlZSauXZc|1NAHREwTErJACH.AJVEyXExRAIP|1NAHREwTErDEqAAfA6AT4Kv4Lf5gF8LOABQACB.AJVEyXExRAIP|2sA9BE
oDEjvSQbYFtJOlYq1SqPEjVEgzA1x|1NAJVEyXErJACH|4pW4hXkUcaGfkPkF6ot8os7oozk9xkD3kDmhP0eZXauQWjUWijWfpS
B7SEDSEwPQAMQNIvaEkeEjtEgzA1xA77Em9ElLGGiKlkNlZQlMV5I|39XYZXVRSqPStVSuCPkoMl1IvaEkeEjtEgzA1xA77Em9E
lLGR2KlkNlZSauXZc|32L5pHQiD5GD4LD3OHMiL1pOguT2MT3JT4COku.L6PR60XtuXsfXrOR0qL1FF1c8Di8Ez8GEF6m|39Ehl
Eev9ztA77Em9ElNG6OKbQNbFSlEZ48Z2vZ1gSfwNVxKW8G1s.UNtUOoQFoMajIvcEkUEjZEicIrcMWjQBoUMw|39Cu1Ct4HCOKh
BOMGShiSifSjaOQGKlBHGOCuw.SgrRBUMgKJgXEWW8Dk8Ez8GCEboJlpMlcRG0SkTSlFXFxX8jSe1|22QPvPkiNvEMkzIvYEkYE
jhEgzA1xA77Em9ElLG6OKlkO6DObAPlQQQj|2aS5nS4zQ5ILvQJlFGGSCvcCvFCuwFF6Iu5KZFPOOTXkTX7TWONLkI1RFguAra8
Cb8DTAi2FhUI21LMSOreOs1OsMMNsI3hGOXCEc8Ps8QV8RCDwWJ6XLlgQGO|1wEnvEm9OGXOFtElVEihEi2GhYJX3OC5OBNJWLE
C0AD0ADzAGn6m16mfAHRAJD|399jL9mTERVEOPENeHMkKWtOBySXESXzSavXFxXAnSVlSWZQqqMW8JWLEgy9iG.LR3|2w6wzBmL
KX7TGDYFtNgPHM9|437cHCHJHsFNbFT5tYgpea9j4rbfVWLBQPnKBdErJ|2wXabNOPY0PSVlKNzCC96rpHjV7mbDHFKjvS5x|2w
LqLJpUG9oCzh9Kb9LLCApE0MGAuHLpIBr6wzBmLKXPTGDYFt|2b8HZU5pU53ChnU1LU0f7X77XtOv98Gt|39VUdVTxTz3NemJVQ
JWVJXbJYIGteDOtBjfBkLDPZGuKJa0JahJbpJcqNncU7tVcnVc7TwtQS6OHUOGpOFhOEwLtmJEVLtYODOOChOBZOAsQKcTpP|1g
GJ7G9ZBpBByj|39BgFDVnH0YJBAJBtJD1JDiLOaOEBLOoJFGJG1JH9JHoH82DdHBnjBoPDTdJdYNmuNltNklNk4QOiU3pVYjVY3
U39QO2NiMNhfNgZNfUJUiDKnBfZ|49gtTgsbeD2Zi0XNVUY0QtDQisQYbQOGQ3fM4CJjhHZUDEkAtpAuhDPuHuwKPnN4wQjlR4M
REhRP0RjdVYkXtHa3SeDs|
)";

struct OutlinePoint {
  double x, y;  // in dots, from the left and from the line upwards
  bool is_on;   // the outline, else where two tangents cross
};

struct Glyph {
  double advance = 0;  // in dots
  std::vector<std::vector<OutlinePoint>> contours = {};
};

// The outline of a character; what is none of ASCII is a blank.
[[gnu::cold]] inline Glyph glyph(char character) {
  const int index = ' ' <= character && character <= '~' ? character - ' ' : 0;
  std::size_t at = 0;
  for (int i = 0; i < index; ++i) at = outlines.find('|', at) + 1;
  const auto next = [&at] {  // the next character that is no line break
    while (outlines[at] == '\n') ++at;
    return outlines[at++];
  };
  const auto value = [&next](int number) {
    const char c = next();
    return 62 * number + (c <= '9' ? c - '0' : c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36);
  };
  Glyph result{.advance = value(value(0)) / 32.0};
  for (bool begins = true;;) {
    const char c = next();
    if (c == '|') return result;
    if (c == '.' || begins) result.contours.emplace_back();
    begins = false;
    if (c == '.') continue;
    --at;
    const int point = value(value(value(0)));
    result.contours.back().push_back(
        {(point / 640 - 32) / 32.0, (point / 2 % 320 - 80) / 32.0, point % 2 == 1});
  }
}

// How much a line of text covers of each pixel. Row 0 is the highest row of capitals, column 0 the
// one where the first character begins; what is outside of `top` to `bottom` is not covered.
class TextCoverage {
 public:
  [[gnu::cold]] TextCoverage(std::string_view line, Index zoom)
      : zoom_(zoom), sums_(Shape{12 * zoom, width(line, zoom) + 4 * zoom}) {
    double left = 2;  // dots; so a letter may begin before and end after its own columns
    for (const char c : line) {
      const Glyph shape = glyph(c);
      for (const auto& contour : shape.contours) add(contour, left);
      left += shape.advance;
    }
    for (Index y = 0; y < sums_.extent(0); ++y)
      for (Index x = 1; x < sums_.extent(1); ++x) sums_(y, x) += sums_(y, x - 1);
  }

  Index top() const { return -2 * zoom_; }
  Index bottom() const { return top() + sums_.extent(0); }
  Index left() const { return -2 * zoom_; }
  Index right() const { return left() + sums_.extent(1); }
  double operator()(Index y, Index x) const {
    return std::min(std::abs(sums_(y - top(), x - left())), 1.0);
  }

  // Pixels from the beginning of the first character to the end of the last one.
  [[gnu::cold]] static Index width(std::string_view line, Index zoom) {
    double dots = 0;
    for (const char c : line) dots += glyph(c).advance;
    return -static_cast<Index>(std::floor(-dots * static_cast<double>(zoom)));
  }

 private:
  // Between two points that are not on the outline, one in the middle is.
  void add(const std::vector<OutlinePoint>& contour, double left) {
    const auto z = static_cast<double>(zoom_);
    OutlinePoint from{}, tangents{.x = 0, .y = 0, .is_on = true};
    for (std::size_t i = 0; i <= contour.size(); ++i) {
      OutlinePoint to = contour[i % contour.size()];
      to.x = z * (to.x + left);
      to.y = z * (9 - to.y);
      if (i > 0 && tangents.is_on && to.is_on) cut(from.x, from.y, to.x, to.y);
      if (i > 0 && !tangents.is_on) {
        const OutlinePoint end =
            to.is_on ? to : OutlinePoint{(tangents.x + to.x) / 2, (tangents.y + to.y) / 2, true};
        curve(from, tangents, end);
        from = end;
      }
      if (to.is_on) from = to;
      tangents = to;
    }
  }

  void curve(OutlinePoint from, OutlinePoint tangents, OutlinePoint to) {
    const Index parts = 4 + zoom_;
    double x0 = from.x, y0 = from.y;
    for (Index i = 1; i <= parts; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(parts), s = 1 - t;
      const double x1 = s * s * from.x + 2 * s * t * tangents.x + t * t * to.x,
                   y1 = s * s * from.y + 2 * s * t * tangents.y + t * t * to.y;
      cut(x0, y0, x1, y1);
      x0 = x1;
      y0 = y1;
    }
  }

  // Where a straight part of an outline crosses the lines along which rows are cut.
  void cut(double x0, double y0, double x1, double y1) {
    constexpr Index lines = 16;
    const double part = y0 < y1 ? 1.0 / lines : -1.0 / lines;
    const auto first = [](double y) { return static_cast<Index>(std::floor(lines * y + 0.5)); };
    for (Index k = first(std::min(y0, y1)), end = first(std::max(y0, y1)); k < end; ++k) {
      const double y = (static_cast<double>(k) + 0.5) / lines;
      const double x = x0 + (y - y0) * (x1 - x0) / (y1 - y0), column = std::floor(x);
      const auto j = static_cast<Index>(column);
      sums_(k / lines, j) += part * (1 - (x - column));
      sums_(k / lines, j + 1) += part * (x - column);
    }
  }

  Index zoom_;
  Tensor<double, 2> sums_;
};

}  // namespace fovea::inline FOVEA_ABI::detail
