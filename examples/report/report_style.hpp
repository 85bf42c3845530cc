// SPDX-License-Identifier: MIT
//
// How a Report looks: one style sheet for phone and projector, light and dark, and paper.
//
// * Colours are variables with a light and a dark value; every text has a contrast of at least
//   4.5 : 1 (WCAG 2, AA). scripts/check_page.py measures it.
// * Letters come from the reader's own machine: Charter or its like to
// read, the system's for the rest.
// * Text keeps to some 70 characters a line; pictures may be wider. What is wider than the screen
//   scrolls in a box of its own, never the page.
// * Charts (class "chart", see charts/plot.hpp) take the colours of the page;
// pictures made of pixels keep
//   their white ground, as their scales are printed in them.
#pragma once

#include <string_view>

namespace report::internal {

inline constexpr std::string_view report_style = R"css(
:root { color-scheme: light dark;
  --page: #faf9f6; --card: #ffffff; --ink: #1e2026; --quiet: #565a63; --rule: #dcdad3; --link: #0b5a9e;
  --mark: #0072b2; --wash: #eaf2f9; --shade: #f1efe9;
  --s0: #0072b2; --s1: #d55e00; --s2: #008f68; --s3: #b0568a; --s4: #9a6a00; --s5: #6a3fc0; --s6: #6e6e6e; --s7: #222222; }
@media (prefers-color-scheme: dark) { :root {
  --page: #15171b; --card: #1d2025; --ink: #e9e7e2; --quiet: #aeb2ba; --rule: #3b3f47; --link: #8cc4f5;
  --mark: #56b4e9; --wash: #1c2a36; --shade: #23262c;
  --s0: #56b4e9; --s1: #f08a45; --s2: #2fc79b; --s3: #e09ac4; --s4: #e0a526; --s5: #b59cff; --s6: #b5b5b5; --s7: #e3d74f; } }
@media print { :root { color-scheme: light;
  --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --link: #000; --mark: #0072b2; --wash: #fff; --shade: #fff;
  --s0: #0072b2; --s1: #d55e00; --s2: #008f68; --s3: #b0568a; --s4: #9a6a00; --s5: #6a3fc0; --s6: #6e6e6e; --s7: #222222; } }
* { box-sizing: border-box; }
html { font-size: clamp(16px, 0.45vw + 11.5px, 22px); -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 70rem; background: var(--page); color: var(--ink); line-height: 1.6;
  font-family: Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, "DejaVu Serif", serif; overflow-wrap: break-word; }
h1, h2, h3, nav, figcaption, table, .key-numbers, .finding b, footer { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, nav, p, ul, pre, h2, h3, footer, .finding, .note { max-width: 44rem; margin-inline: auto; }
h1 { margin: 0 0 0.75rem; font-size: clamp(1.75rem, 1.2rem + 2.4vw, 2.75rem); line-height: 1.15; letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin-top: 4rem; margin-bottom: 0.75rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 1.55rem; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
h3 { margin-top: 2.5rem; margin-bottom: 0.5rem; font-size: 1.15rem; line-height: 1.3; }
p { margin-top: 0; margin-bottom: 1rem; text-wrap: pretty; }
a { color: var(--link); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.lead { font-size: 1.15rem; color: var(--quiet); }
nav { margin-top: 2rem; font-size: 0.92rem; }
nav h2 { margin: 0 0 0.5rem; padding: 0; border: 0; font-size: 0.92rem; letter-spacing: 0; color: var(--quiet); }
nav ol { margin: 0; padding: 0; list-style: none; }
nav > ol { columns: 17rem; column-gap: 2.5rem; }
nav li li { padding-left: 1rem; }
nav > ol > li { break-inside: avoid; }
nav a { display: inline-block; padding: 0.15rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
.key-numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; max-width: 56rem; margin: 2rem auto; }
.key-numbers div { padding: 1rem 1.1rem; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.key-numbers dd { margin: 0; font-size: 1.75rem; font-weight: 650; line-height: 1.15; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.key-numbers div { display: flex; flex-direction: column-reverse; justify-content: flex-end; gap: 0.25rem; }
.key-numbers dt { font-size: 0.85rem; line-height: 1.35; color: var(--quiet); }
.finding { margin-top: 1.5rem; margin-bottom: 1.5rem; padding: 0.9rem 1.2rem; background: var(--wash); border-left: 4px solid var(--mark); border-radius: 0 8px 8px 0; }
.finding b { display: block; line-height: 1.4; }
.finding p { margin: 0.25rem 0 0; }
.note { font-size: 0.92rem; color: var(--quiet); }
code { font: 0.88em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { max-width: 44rem; margin: 1rem auto; padding: 0.8rem 1rem; overflow-x: auto; background: var(--shade); border-radius: 8px; }
figure { margin: 2.25rem auto; }
.frame { width: fit-content; max-width: 100%; margin: 0 auto; overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.frame > img, .frame > svg { display: block; }
.frame > img { width: auto; max-width: 100%; height: auto; }
.frame > svg { width: 38rem; max-width: 100%; height: auto; }
@media (min-resolution: 1.5dppx) { .frame > img { image-rendering: pixelated; } }
.frame > img.small { image-rendering: pixelated; }
figcaption { max-width: 44rem; margin: 0.7rem auto 0; font-size: 0.88rem; line-height: 1.5; color: var(--quiet); }
figcaption p { margin: 0; }
figcaption b { color: var(--ink); }
.scroll { width: fit-content; max-width: 100%; margin: 0 auto; overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.8rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: baseline; }
thead th { border-bottom: 2px solid var(--quiet); vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.short { white-space: nowrap; }
tbody tr:hover { background: var(--shade); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 0.85rem; color: var(--quiet); }
.chart .paper { fill: var(--card); }
.chart .ink { fill: var(--ink); }
.chart .grid { stroke: var(--rule); }
.chart .axis { stroke: var(--quiet); }
.chart .whisker { stroke: var(--ink); }
.s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); }
.s4 { color: var(--s4); } .s5 { color: var(--s5); } .s6 { color: var(--s6); } .s7 { color: var(--s7); }
@media (max-width: 30rem) { body { padding: 1.5rem 1rem 3rem; } h2 { margin-top: 3rem; } th, td { padding: 0.4rem 0.55rem; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { @page { margin: 18mm 16mm; }
  html { font-size: 10.5pt; } body { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } figure, table, .finding, .key-numbers { break-inside: avoid; }
  h2 { margin-top: 2rem; } p { orphans: 3; widows: 3; }
  .frame, .scroll { overflow: visible; border: 0; } .frame > img, .frame > svg { min-width: 0 !important; max-height: 195mm; }
  .frame > svg { width: 12cm; } .frame > img { object-fit: contain; } nav a { color: inherit; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
)css";

}  // namespace report::internal
